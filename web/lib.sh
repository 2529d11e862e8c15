# Shared by web/build and web/test: where the packages are installed, and a copy of the sources beside them.
# The caller has set $here.
# shellcheck shell=bash disable=SC2154
cache=${CODITECT_CACHE:-$HOME/.cache/coditect}
tree=$(dirname "$here")

say() { printf 'web: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# run WHAT COMMAND...: one line with the seconds it took; the whole output when it fails.
run() {
    local what=$1 log begin=$SECONDS
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1 & # not in the condition itself: there, `set -e` would not hold inside of it
    if ! wait $!; then
        cat "$log" >&2
        rm -f "$log"
        die "$what: failed"
    fi
    rm -f "$log"
    say "$what ($((SECONDS - begin)) s)"
}

lock_hash() {
    (cd "$here" && sha256sum package-lock.json package.json .npmrc) | sha256sum | cut -c 1-16
}

npm_ci() { (cd "$1" && npm ci --no-audit --no-fund); }

# install: the packages of the lock file, once; $modules is where.
install() {
    modules=$cache/web-modules/$(lock_hash)
    [ -e "$modules/.installed" ] && return
    node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
        die "Node 20.19 or newer is needed, $(node --version) is installed"
    rm -rf "$modules"
    mkdir -p "$modules"
    cp "$here/.npmrc" "$here/package.json" "$here/package-lock.json" "$modules/"
    run 'install packages' npm_ci "$modules"
    touch "$modules/.installed"
}

# copy_sources: the tree's sources beside the packages, with the types made from the API's document.
copy_sources() {
    rm -rf "$modules/src" "$modules/public" "$modules/test"
    cp -R "$here/src" "$here/public" "$here/test" "$here/index.html" "$here/tsconfig.json" "$here/vite.config.ts" "$modules/"
    "${PYTHON:-/usr/bin/python3}" "$tree/tools/gen/openapi_ts.py" "$tree/spec/openapi.yaml" "$modules/src/api/generated.ts"
}

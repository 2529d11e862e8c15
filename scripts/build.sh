# shellcheck shell=bash
# Configures and builds the C core. Build directories lie in the cache, outside the checkout, and
# are locked while they are built, so that two scripts never run ninja in one of them.

# meson_options KIND
meson_options() {
    case $1 in
    release) printf '%s\n' -Dbuildtype=release -Dtests=disabled ;;
    bench) printf '%s\n' -Dbuildtype=release -Dtests=enabled ;;
    asan) printf '%s\n' -Dbuildtype=debugoptimized -Dtests=enabled \
        -Db_sanitize=address,undefined ;;
    tsan) printf '%s\n' -Dbuildtype=debugoptimized -Dtests=enabled -Db_sanitize=thread ;;
    # All code counts its branches for libFuzzer, not only the targets.
    clang) printf '%s\n' -Dbuildtype=debugoptimized -Dtests=enabled -Dlibfuzzer=true \
        -Db_sanitize=address,undefined -Db_lundef=false \
        -Dc_args=-fsanitize=fuzzer-no-link -Dc_link_args=-fsanitize=fuzzer-no-link ;;
    esac
}

compiler_of() { if [ "$1" = clang ]; then echo clang-14; else echo gcc; fi; }

# common_passwords: the package's list (tools/passwords), fetched once. A build without npm goes without, and says so.
common_passwords() {
    local from=$CODITECT_SRC/tools/passwords dir new
    [ -f "$from/package-lock.json" ] || return 0
    dir=$CODITECT_CACHE/passwords-$(cat "$from"/package*.json "$from/.npmrc" | sha256sum | cut -c 1-16)
    if [ ! -d "$dir" ]; then
        command -v npm >/dev/null || { step "no npm: built without the list of common passwords" && return 0; }
        new=$(mktemp -d "$CODITECT_CACHE/.passwords-XXXXXX")
        cp "$from"/package*.json "$from/.npmrc" "$new/"
        (cd "$new" && npm ci --prefer-offline --no-audit --no-fund) >"$CODITECT_CACHE/passwords.log" 2>&1 ||
            die "npm could not fetch the list of common passwords; its output is in $CODITECT_CACHE/passwords.log"
        mv -T "$new" "$dir" 2>/dev/null || rm -rf "$new" # another script was faster
    fi
    printf '%s' "-Dcommon_passwords=$dir/node_modules/zxcvbn/lib/frequency_lists.js"
}

# build_core KIND [TARGET…]: the output of a failing build is shown, that of a good one is short.
build_core() {
    local kind=$1 dir log options passwords
    shift
    dir=$(build_dir "$kind")
    log=$dir.log
    make_cache
    exec {build_lock}>"$dir.lock"
    flock "$build_lock"
    passwords=$(common_passwords) || { exec {build_lock}>&- && return 1; }
    if [ ! -f "$dir/build.ninja" ]; then
        mapfile -t options < <(meson_options "$kind" && printf '%s' "$passwords")
        rm -rf "$dir"
        if ! run env CC="$(compiler_of "$kind")" meson setup "$dir" "$CODITECT_SRC" "${options[@]}" >"$log" 2>&1; then
            tail -n 15 "$log" >&2
            exec {build_lock}>&-
            return 1
        fi
    fi
    if [ -n "$passwords" ] && ! grep -qF "${passwords#-D*=}" "$dir/build.ninja"; then
        run meson setup --reconfigure "$dir" "$CODITECT_SRC" "$passwords" >"$log" 2>&1 || { exec {build_lock}>&- && return 1; }
    fi
    local status=0
    # A test build shows every error, not only the first.
    [ "$kind" = release ] || set -- -k 0 "$@"
    run_ninja "$log" -C "$dir" "$@" || status=$?
    exec {build_lock}>&-
    return "$status"
}

# run_ninja LOG ARGUMENT…: to a terminal with ninja's own moving line, else silent unless it fails.
run_ninja() {
    local log=$1
    shift
    if [ -t 1 ]; then
        run ninja "$@"
        return
    fi
    run ninja "$@" >"$log" 2>&1 && return
    # Without the moving line and the compilers' long command lines.
    grep -vE '^(\[[0-9]+/[0-9]+\]|cc |gcc |clang)' "$log" | head -n 60 >&2
    return 1
}

# shellcheck shell=bash
# What every script of the project shares: where things lie, how progress and errors are printed,
# how a long command is run so that a signal ends it with all its children.
#
# To be sourced by a script that has set -euo pipefail.
# Environment: CODITECT_CACHE  builds, Node and logs (default ~/.cache/coditect)

CODITECT_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
export CODITECT_SRC
export CODITECT_CACHE=${CODITECT_CACHE:-${HOME:-/root}/.cache/coditect}

# The system's Python: a version manager's shim in front of it may lack python3-yaml.
PYTHON=/usr/bin/python3
export PYTHON

step_started_us=0

# The clock in microseconds: EPOCHREALTIME has a comma or a point by locale.
now_us() { printf '%s' "${EPOCHREALTIME/[.,]/}"; }

start_clock() { step_started_us=$(now_us); }

# step WHAT: one line of progress with the time since start_clock.
step() {
    local tenths=$((($(now_us) - step_started_us) / 100000))
    printf '[%4d.%d s] %s\n' $((tenths / 10)) $((tenths % 10)) "$*" >&2
}

# die WHAT [STATUS]: one clear line that says what to do, and the end.
die() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit "${2:-1}"
}

# Each checkout has its own build directories: two checkouts never share one.
checkout_key() {
    local sum
    sum=$(printf '%s' "$CODITECT_SRC" | sha256sum)
    printf '%s' "${sum:0:12}"
}

# build_dir KIND: release, bench (release with its tests), asan, tsan or clang.
build_dir() { printf '%s/build-%s-%s' "$CODITECT_CACHE" "$1" "$(checkout_key)"; }

make_cache() {
    mkdir -p "$CODITECT_CACHE" 2>/dev/null ||
        die "cannot create $CODITECT_CACHE: set CODITECT_CACHE to a directory you can write"
    [ -w "$CODITECT_CACHE" ] ||
        die "cannot write $CODITECT_CACHE: set CODITECT_CACHE to a directory you can write"
}

# What runs: the pid of each session's first process.
declare -A running=()

# begin COMMAND…: beside this shell and as a session of its own, so that stop_run ends it with every child; its pid is in
# begun. A background command of a shell starts with SIGINT ignored, which it would hand on to all its children: that is undone.
begin() {
    setsid env --default-signal=INT,QUIT "$@" </dev/null &
    begun=$!
    running[$begun]=1
}

# run COMMAND…: begins it and waits for its end. Unlike a foreground command it lets this shell's traps run at once.
run() {
    local status=0
    begin "$@"
    wait "$begun" || status=$?
    unset "running[$begun]"
    return "$status"
}

stop_run() {
    local pid
    for pid in "${!running[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
    for pid in "${!running[@]}"; do wait "$pid" 2>/dev/null || true; done
    running=()
}

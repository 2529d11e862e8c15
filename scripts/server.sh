# shellcheck shell=bash
# Keeps coditectd running in the foreground of scripts/up.
#
# 1. coditectd is a session of its own: Ctrl-C reaches this shell alone, which then stops
#    coditectd in order. If this shell is killed, the kernel ends coditectd (--pdeathsig).
# 2. `wait` on a background job returns at once when a trapped signal arrives, so that stopping
#    never waits for a timer or a build.
# 3. Every loop has a deadline.

READY_SECONDS=30
STOP_SECONDS=90 # workspaces have 50 to persist and end, requests 30
DEATHS_ALLOWED=5
DEATHS_WINDOW_US=60000000

server_pid=
stopping=
was_ready=
deaths=()

# pause_for SECONDS: ends early when a signal asks to stop.
pause_for() {
    local timer
    sleep "$1" &
    timer=$!
    wait "$timer" || kill "$timer" 2>/dev/null || true
}

server_alive() { [ -n "$server_pid" ] && kill -0 "$server_pid" 2>/dev/null; }

start_server() {
    setsid env --default-signal=INT,QUIT setpriv --pdeathsig TERM "$@" </dev/null &
    server_pid=$!
}

healthy() {
    [ "$(curl -s -m 2 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$1/health")" = 200 ]
}

# wait_ready PORT: 0 when /health answers 200.
wait_ready() {
    local deadline=$(($(now_us) + READY_SECONDS * 1000000))
    while [ "$(now_us)" -lt "$deadline" ] && [ -z "$stopping" ] && server_alive; do
        # Alive is asked again: another program may have answered on the port.
        if healthy "$1" && server_alive; then return 0; fi
        pause_for 0.03
    done
    return 1
}

# too_many_deaths: notes one; true when more than DEATHS_ALLOWED happened within the window.
too_many_deaths() {
    local now at kept=()
    now=$(now_us)
    for at in "${deaths[@]}" "$now"; do
        if [ $((now - at)) -lt $DEATHS_WINDOW_US ]; then kept+=("$at"); fi
    done
    deaths=("${kept[@]}")
    [ ${#deaths[@]} -gt $DEATHS_ALLOWED ]
}

describe_status() {
    if [ "$1" -gt 128 ]; then
        printf 'ended by SIG%s' "$(kill -l $(($1 - 128)) 2>/dev/null || echo "$1")"
    else
        printf 'ended with status %d' "$1"
    fi
}

# stop_server: asks, waits, then kills, with everything that is still in its session.
stop_server() {
    local deadline=$(($(now_us) + STOP_SECONDS * 1000000)) pid=$server_pid
    [ -n "$pid" ] || return 0
    kill -TERM "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null && [ "$(now_us)" -lt "$deadline" ]; do sleep 0.02; done
    if kill -0 "$pid" 2>/dev/null; then
        step "coditectd did not stop within $STOP_SECONDS s: killing it"
    fi
    kill -KILL -- "-$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    server_pid=
}

# serve PORT COMMAND…: until a signal asks to stop (0) or it cannot go on (1, with the reason).
serve() {
    local port=$1 status back_off=1
    shift
    while [ -z "$stopping" ]; do
        start_server "$@"
        if wait_ready "$port"; then
            if [ -z "$was_ready" ]; then announce_ready "$port"; else step "coditectd answers again"; fi
            was_ready=yes
        elif [ -z "$stopping" ] && server_alive; then
            stop_server
            die "coditectd did not answer http://127.0.0.1:$port/health within $READY_SECONDS s"
        fi
        status=0
        wait "$server_pid" 2>/dev/null || status=$?
        [ -z "$stopping" ] || return 0
        kill -KILL -- "-$server_pid" 2>/dev/null || true
        server_pid=
        [ -n "$was_ready" ] ||
            die "coditectd $(describe_status "$status") before it was ready; its reason stands above"
        if too_many_deaths; then
            die "coditectd died ${#deaths[@]} times within a minute (last: $(describe_status "$status")); its reason stands above"
        fi
        back_off=$((1 << (${#deaths[@]} - 1)))
        step "coditectd $(describe_status "$status"); starting it again in $((back_off * 100)) ms"
        pause_for "$((back_off / 10)).$((back_off % 10))"
    done
}

# shellcheck shell=bash
# What must be true before anything is built: each failure is one line that says what to do.

BUILD_MIB=2048
DATA_MIB=512
INOTIFY_INSTANCES=1024
INOTIFY_WATCHES=524288
SYSTEM_USER=coditect

# port_answers PORT
port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

check_port() {
    if port_answers "$1"; then
        die "port $1 is taken by another program: stop it, or choose another with --port N"
    fi
    local first_free
    first_free=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null || echo 1024)
    if [ "$1" -lt "$first_free" ] && [ "$(id -u)" != 0 ]; then
        die "only root may listen on port $1: choose one of $first_free or above with --port N"
    fi
}

# free_mib DIR: on the file system of DIR or of its nearest parent that exists.
free_mib() {
    local dir=$1
    while [ ! -d "$dir" ]; do dir=$(dirname "$dir"); done
    df -Pk "$dir" | { read -r _; read -r _ _ _ free _; echo $((free / 1024)); }
}

# check_disk DIR MIB OPTION
check_disk() {
    local free
    free=$(free_mib "$1")
    [ "$free" -ge "$2" ] ||
        die "the disk of $1 has $free MiB free and $2 are needed: make room, or set $3 to another disk"
}

# check_writable DIR OPTION
check_writable() {
    local probe=$1/.write-probe.$$
    if [ -e "$1" ] && [ ! -d "$1" ]; then
        die "$1 is a file, not a directory: set $2 to another place"
    fi
    { mkdir -p "$1" && : >"$probe" && rm -f "$probe"; } 2>/dev/null ||
        die "no permission to write $1: run as its owner, or set $2 to another place"
}

# Workspaces run under an unprivileged uid even when this runs as root.
unprivileged() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
    else
        "$@"
    fi
}

namespaces_work() { unprivileged unshare --user --map-root-user true 2>/dev/null; }

check_namespaces() {
    if namespaces_work; then return 0; fi
    local setting
    for setting in kernel/unprivileged_userns_clone:1 user/max_user_namespaces:15000 \
        kernel/apparmor_restrict_unprivileged_userns:0; do
        advise_setting "${setting%:*}" "${setting#*:}"
    done
    die "the kernel refuses user namespaces, which workspaces need: boot a kernel with CONFIG_USER_NS; in a container, start it with --privileged"
}

# advise_setting KEY WANTED: ends with the remedy when this setting is what forbids namespaces.
advise_setting() {
    local value
    value=$(cat "/proc/sys/$1" 2>/dev/null) || return 0
    case $1:$value in
    */unprivileged_userns_clone:0 | */max_user_namespaces:0 | */apparmor_restrict_*:1)
        die "the kernel refuses user namespaces, which workspaces need: as root run: sysctl -w ${1//\//.}=$2"
        ;;
    esac
}

# raise_limit KEY WANTED
raise_limit() {
    local file=/proc/sys/fs/inotify/$1 value
    value=$(cat "$file" 2>/dev/null) || return 0
    [ "$value" -lt "$2" ] || return 0
    if { echo "$2" >"$file"; } 2>/dev/null; then
        step "raised fs.inotify.$1 from $value to $2"
    else
        step "fs.inotify.$1 is $value: some $((value / 3)) workspaces fit; as root run: sysctl -w fs.inotify.$1=$2"
    fi
}

raise_inotify_limits() {
    raise_limit max_user_instances "$INOTIFY_INSTANCES"
    raise_limit max_user_watches "$INOTIFY_WATCHES"
}

tun_opens() { unprivileged sh -c ': <>/dev/net/tun' 2>/dev/null; }

# Workspaces reach the network by it, as unprivileged users. udev makes it so; a container, or a machine without udev, may not.
need_tun() {
    if tun_opens; then return 0; fi
    { mkdir -p /dev/net && { [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200; } && chmod 0666 /dev/net/tun; } 2>/dev/null || true
    if tun_opens; then
        step "opened /dev/net/tun to all users, as udev does: workspaces reach the network by it"
    else
        step "workspaces will not start, since their user cannot open /dev/net/tun: as root run: modprobe tun; chmod 0666 /dev/net/tun (or set workspace.offline)"
    fi
}

# Started as root, the part of coditectd that talks to the network becomes this user.
need_system_user() {
    [ "$(id -u)" = 0 ] || return 0
    if id "$SYSTEM_USER" >/dev/null 2>&1; then return 0; fi
    /usr/sbin/useradd --system --user-group --no-create-home --shell /usr/sbin/nologin "$SYSTEM_USER" ||
        die "cannot make the system user $SYSTEM_USER, which the server runs as: make it by hand"
    step "made the system user $SYSTEM_USER, which the server runs as"
}

check_machine() {
    check_port "$1"
    check_writable "$2" "--data DIR"
    check_disk "$2" "$DATA_MIB" "--data DIR"
    check_writable "$CODITECT_CACHE" CODITECT_CACHE
    [ -f "$(build_dir release)/build.ninja" ] ||
        check_disk "$CODITECT_CACHE" "$BUILD_MIB" CODITECT_CACHE
    check_namespaces
}

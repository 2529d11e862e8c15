/* Why the machine lets no sandbox start, and what would mend it: of what has failed, what is seen to be in the way. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "workspace/workspace_int.h"

static bool setting_is(const char *path, char value)
{
    char text[2] = "";
    FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && fd_read_full(fd, text, sizeof text) > 0 && text[0] == value && text[1] <= ' ';
}

/* As scripts/up advises it: the setting that is in the way, where one is. */
const char *workspace_namespace_remedy(void)
{
    if (setting_is("/proc/sys/kernel/unprivileged_userns_clone", '0')) {
        return "the kernel refuses user namespaces; as root run: sysctl -w "
               "kernel.unprivileged_userns_clone=1";
    }
    if (setting_is("/proc/sys/user/max_user_namespaces", '0')) {
        return "the kernel refuses user namespaces; as root run: sysctl -w "
               "user.max_user_namespaces=15000";
    }
    if (setting_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1')) {
        return "the kernel refuses user namespaces; as root run: sysctl -w "
               "kernel.apparmor_restrict_unprivileged_userns=0";
    }
    return "the kernel refuses user namespaces: boot one with CONFIG_USER_NS; in a container, "
           "start it with --privileged";
}

/* Root asks for the workspace's user, who has the rights of all others. */
const char *workspace_network_remedy(void)
{
    struct stat facts;
    if (stat("/dev/net/tun", &facts) < 0) {
        return "there is no /dev/net/tun for user-mode networking: as root run: modprobe tun; in a "
               "container, start it with --device /dev/net/tun";
    }
    if (geteuid() == 0 ? (facts.st_mode & 0006) != 0006 : access("/dev/net/tun", R_OK | W_OK) < 0) {
        return "not everybody may open /dev/net/tun, which user-mode networking needs; as root "
               "run: chmod 0666 /dev/net/tun";
    }
    return "user-mode networking does not start (is the package slirp4netns installed?); the "
           "reason stands in the workspace's log";
}

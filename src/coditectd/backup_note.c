/* When the backups of the schedule were last read wholly: beside the store, so that a restart reads none too early. */
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "coditectd/backup.h"

static const char file[] = "store/backup.verified"; /* a moment, a space and the place */

enum { NOTE_MOST = 8192 };

usec_t coditectd_backup_verified(const char *place)
{
    char bytes[NOTE_MOST];
    FD_AUTO int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : fd_read_full(fd, bytes, sizeof bytes);
    struct str rest = str_of(bytes, n > 0 ? (size_t)n : 0);
    struct str time = STR_EMPTY;
    usec_t at;
    bool told = str_split(&rest, ' ', &time) && time_parse(time, &at) == 0;
    return told && str_eq(rest, str_from(place)) ? at : 0;
}

void coditectd_backup_note_verified(const char *place, usec_t at)
{
    char text[25];
    BUF_AUTO(note, NOTE_MOST);
    buf_printf(&note, STR_FMT " %s", STR_ARG(time_str(text, at)), place);
    FD_AUTO int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (note.error || fd < 0 || fd_write_all(fd, buf_str(&note)) < 0) {
        log_warn("coditectd", "%s cannot be written: a restart reads all backups again", file);
    }
}

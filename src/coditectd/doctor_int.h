/* Inside --doctor: settings, machine and sandbox (doctor.c), ports and clock (doctor_machine.c), the store (doctor_store.c). */
#ifndef CODITECTD_DOCTOR_INT_H
#define CODITECTD_DOCTOR_INT_H

#include <sys/types.h>

#include "coditectd/doctor.h"

enum coditectd_verdict {
    CODITECTD_ENFORCED,
    CODITECTD_WEAKER,
    CODITECTD_MISSING
}; /* | is the worst */

/*
 * Prints a finding. how may be formatted, and is cut at 400 bytes: what was found and, unless it is enforced, what would mend it
 * behind the first ": ". Returns the verdict.
 */
enum coditectd_verdict coditectd_doctor_say(enum coditectd_verdict verdict, const char *about,
                                            const char *how, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- doctor_store.c ---- */

/* Whose server holds the store of this data directory; 0: none does, or that cannot be seen. */
pid_t coditectd_doctor_holder(const char *data);

/* Whether it opens, is of this format, and can be read; how large it is and who holds it. Changes nothing. */
enum coditectd_verdict coditectd_doctor_store(const char *data, pid_t holder);

/* ---- doctor_machine.c ---- */

/* Whether the addresses to listen on are free, or the holder's; else whose. */
enum coditectd_verdict coditectd_doctor_ports(const struct coditectd_options *o, pid_t holder);

/* Whether the kernel says that the clock is set by a time server. */
enum coditectd_verdict coditectd_doctor_clock(void);

#endif

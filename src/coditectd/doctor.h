/* --doctor: what protects this installation, and what does not. */
#ifndef CODITECTD_DOCTOR_H
#define CODITECTD_DOCTOR_H

#include "coditectd/options.h"

/*
 * One line for each protection on standard output: "enforced", "weaker" or "MISSING", what it is about, how it is and what would
 * mend it; the sandbox's come from a trial workspace. With options->json an array in place of lines, of objects: name, state
 * (ok, warning or failed), found, and remedy where there is one. The exit status: 1 when something is missing.
 */
int coditectd_doctor(const struct coditectd_options *options, uid_t workspace_uid);

#endif

/* "coditectd --export-tenant" and "--import-tenant": one tenant as an archive, between stores. */
#ifndef CODITECTD_TENANT_H
#define CODITECTD_TENANT_H

/* In the data directory; both return the exit status and say what is wrong. */

/* To standard output; a server may run. */
int coditectd_tenant_export(const char *tenant);

/* From standard input, into the store that no server is using, which is made when there is none. */
int coditectd_tenant_import(const char *data, const char *driver);

#endif

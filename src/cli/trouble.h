#ifndef CLI_TROUBLE_H
#define CLI_TROUBLE_H

#include "cli/cli_int.h"

/* Why the last call had no reply, for who says what to do about it (doctor). */
enum cli_trouble {
    CLI_TROUBLE_NONE,
    CLI_TROUBLE_NAME,        /* no address is known of it */
    CLI_TROUBLE_PORT,        /* nobody listens there, or nothing comes back */
    CLI_TROUBLE_CERTIFICATE, /* none that is good here */
    CLI_TROUBLE_AUTHORITIES, /* the file of SSL_CERT_FILE cannot be read */
    CLI_TROUBLE_TLS,         /* something else is spoken there */
    CLI_TROUBLE_BROKEN,      /* the connection ended without a reply */
};

/* ret_why: one line, until the next call. */
enum cli_trouble cli_transport_trouble(const struct cli_transport *transport, const char **ret_why);
enum cli_trouble cli_client_trouble(const struct cli_client *client, const char **ret_why);

#endif

/*
 * What the server knows of itself, for programs that watch it: GET /metrics on an address of its own, in Prometheus's text
 * format (version 0.0.4). The list is spec/metrics.yaml. Nobody is asked who they are there: the address is for the machine or
 * the network of whoever collects.
 */
#ifndef CODITECTD_METRICS_H
#define CODITECTD_METRICS_H

#include "api/api.h"
#include "coditectd/backup.h"
#include "coditectd/workspaces.h"
#include "mail/mail.h"
#include "store/store.h"

struct coditectd_metrics;

struct coditectd_metrics_options {
    const char *listen;  /* "127.0.0.1:9464" */
    struct store *store; /* all outlive the metrics */
    struct api *api;
    struct http_server *server;
    struct coditectd_backups *backups; /* NULL: none are made */
    struct mail_sender *mailer;        /* NULL: no mail is sent */
};

/* ERR_EXISTS, ERR_FORBIDDEN, ERR_INVALID: it cannot listen there. */
int coditectd_metrics_start(const struct coditectd_metrics_options *options,
                            struct coditectd_metrics **ret_metrics) BASE_MUST_USE;
/* They are shown as not behind until then. They outlive the metrics too. */
void coditectd_metrics_watch(struct coditectd_metrics *m, struct coditectd_workspaces *workspaces);
void coditectd_metrics_stop(struct coditectd_metrics *m); /* NULL allowed */

#endif

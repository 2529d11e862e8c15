/* The API's session object: the two stored objects copied, with what is joined between them. */
#include "sessions/sessions_int.h"

static void write_workspace(struct reply_workspace reply, const struct data_workspace *workspace,
                            struct str ide_url)
{
    reply_workspace_record(&reply, workspace);
    if (ide_url.n > 0) {
        reply_workspace_ide_url(&reply, ide_url);
    }
    reply_workspace_end(&reply);
}

void sessions_write(struct reply_session reply, const struct sessions_view *view,
                    struct str ide_url)
{
    reply_session_record(&reply, &view->session);
    if (view->session.source_url.n > 0) {
        sessions_source_write(reply_session_source(&reply), &view->session);
    }
    write_workspace(reply_session_workspace(&reply), &view->workspace, ide_url);
    reply_session_agents(&reply);
    reply_session_agents_end(&reply);
    reply_session_files(&reply, (int64_t)view->usage.files);
    reply_session_bytes(&reply, (int64_t)view->usage.bytes);
    reply_session_end(&reply);
}

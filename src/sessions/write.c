/* The API's session object: the two stored objects copied, with what is joined between them. */
#include "sessions/sessions_int.h"

enum { OBJECT_MAX = 64 << 10 };

/* A stored object without its closing brace. */
static void open_object(struct buf *out, struct str object)
{
    ASSERT(object.n >= 2 && object.p[object.n - 1] == '}');
    buf_add(out, str_slice(object, 0, object.n - 1));
}

void sessions_write(struct json_writer *w, const struct sessions_view *view, struct str ide_url)
{
    BUF_AUTO(text, OBJECT_MAX);
    open_object(&text, view->session.reply);
    sessions_source_write(&text, &view->session);
    buf_add(&text, STR(",\"workspace\":"));
    open_object(&text, view->workspace.reply);
    if (ide_url.n > 0) {
        buf_add(&text, STR(",\"ide_url\":"));
        struct json_writer url;
        json_writer_init(&url, &text);
        json_string(&url, ide_url);
    }
    buf_add(&text, STR("},\"agents\":[],\"files\":"));
    buf_u64(&text, view->usage.files);
    buf_add(&text, STR(",\"bytes\":"));
    buf_u64(&text, view->usage.bytes);
    buf_byte(&text, '}');
    ASSERT(text.error == 0);
    json_raw(w, buf_str(&text));
}

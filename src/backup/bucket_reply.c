/*
 * What a bucket says in XML: a page of its list (ListObjectsV2), or why it refuses. Foreign bytes, read by expat.
 *
 * 1. A document type is refused, and with it every entity that somebody may have made up.
 * 2. Depth, texts and objects are bounded; an object whose name makes no sense is not there. One whose
 *    size makes none is, with 0: whoever may not lose it must know of it.
 */
#include <expat.h>
#include <stdio.h>

#include "backup/backup_int.h"
#include "base/assert.h"

enum { DEPTH_MOST = 8, NAME_ROOM = 32, TEXT_MOST = 2048 };

struct parsing {
    XML_Parser parser;
    struct str prefix;
    struct backup_reply *reply;
    size_t depth;
    char open[DEPTH_MOST]
             [NAME_ROOM]; /* elements, the root first; a longer name is none that we know */
    struct buf text;
    struct backup_object object;
    bool has_name, has_size;
    bool refused;
};

static void refuse(struct parsing *p)
{
    p->refused = true;
    (void)XML_StopParser(p->parser, XML_FALSE);
}

/* Before anything could use what it declares. */
static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int has_subset)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has_subset;
    refuse(ctx);
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct parsing *p = ctx;
    (void)attributes;
    if (p->depth == DEPTH_MOST) {
        refuse(p);
        return;
    }
    (void)snprintf(p->open[p->depth++], NAME_ROOM, "%s", name);
    buf_clear(&p->text);
    if (strcmp(name, "Contents") == 0) {
        p->has_name = p->has_size = false;
    }
}

static void on_text(void *ctx, const XML_Char *text, int n)
{
    struct parsing *p = ctx;
    buf_add(&p->text, str_of(text, (size_t)n));
}

static void take_name(struct parsing *p, struct str key)
{
    struct str name = str_slice(key, p->prefix.n, key.n);
    p->has_name = str_starts(key, p->prefix) && name.n > 0 && name.n < sizeof p->object.name &&
                  str_find(name, '\0', 0) == name.n;
    if (p->has_name) {
        memcpy(p->object.name, name.p, name.n);
        p->object.name[name.n] = '\0';
    }
}

static void copy(char *to, size_t room, struct str text)
{
    (void)snprintf(to, room, STR_FMT, STR_ARG(text));
}

static void take_text(struct parsing *p, const char *parent, const char *name)
{
    struct backup_reply *reply = p->reply;
    struct str text = buf_str(&p->text);
    bool in_object = strcmp(parent, "Contents") == 0;
    bool in_list = strcmp(parent, "ListBucketResult") == 0;
    bool in_error = strcmp(parent, "Error") == 0;
    if (in_object && strcmp(name, "Key") == 0) {
        take_name(p, text);
    } else if (in_object && strcmp(name, "Size") == 0) {
        p->has_size = str_u64(text, BACKUP_OBJECT_MOST, &p->object.size) == 0;
    } else if (in_list && strcmp(name, "IsTruncated") == 0) {
        reply->more = str_eq(text, STR("true"));
    } else if (in_list && strcmp(name, "NextContinuationToken") == 0) {
        copy(reply->token, sizeof reply->token, text);
    } else if (in_error && strcmp(name, "Code") == 0) {
        copy(reply->code, sizeof reply->code, text);
    } else if (in_error && strcmp(name, "Message") == 0) {
        copy(reply->message, sizeof reply->message, text);
    }
}

static void on_end(void *ctx, const XML_Char *name)
{
    struct parsing *p = ctx;
    ASSERT(p->depth > 0);
    p->depth--;
    if (p->text.error) {
        refuse(p);
        return;
    }
    take_text(p, p->depth > 0 ? p->open[p->depth - 1] : "", name);
    buf_clear(&p->text);
    if (strcmp(name, "Contents") == 0 && p->has_name) {
        p->object.size = p->has_size ? p->object.size : 0;
        VEC_ADD(&p->reply->objects, p->object);
        p->has_name = p->has_size = false;
    }
    if (p->depth == 0) {
        p->reply->is_list = strcmp(name, "ListBucketResult") == 0;
    }
}

int backup_reply_parse(struct str xml, struct str prefix, struct backup_reply *reply)
{
    if (xml.n > BACKUP_REPLY_MOST) {
        return ERR_CORRUPT;
    }
    struct parsing p = {.prefix = prefix, .reply = reply, .parser = XML_ParserCreate("UTF-8")};
    if (!p.parser) {
        return ERR_CORRUPT;
    }
    buf_init(&p.text, TEXT_MOST);
    XML_SetUserData(p.parser, &p);
    XML_SetElementHandler(p.parser, on_start, on_end);
    XML_SetCharacterDataHandler(p.parser, on_text);
    XML_SetStartDoctypeDeclHandler(p.parser, on_doctype);
    enum XML_Status status = XML_Parse(p.parser, xml.p, (int)xml.n, /* isFinal= */ XML_TRUE);
    XML_ParserFree(p.parser);
    buf_fini(&p.text);
    return status == XML_STATUS_OK && !p.refused ? 0 : ERR_CORRUPT;
}

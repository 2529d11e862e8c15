/* What a session begins with, and how far the workspace came with it. */
#include "wire/wire_int.h"

static const char *const state_words[] = {"pending", "cloning", "done", "failed", NULL};

static void state_write(struct json_writer *w, enum wire_source_state state)
{
    ASSERT(state >= WIRE_SOURCE_PENDING && state <= WIRE_SOURCE_FAILED);
    json_member_string(w, "state", str_from(state_words[state - 1]));
}

void wire_source_write(struct buf *out, const struct wire_source *source)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    json_member_string(&w, "url", source->url);
    json_member_string(&w, "branch", source->branch);
    wire_number_write(&w, "attempt", source->attempt);
    state_write(&w, source->state);
    if (source->folder.n > 0) {
        json_member_string(&w, "folder", source->folder);
    }
    json_object_end(&w);
}

int wire_source_read(struct arena *arena, struct str text, struct wire_source *ret_source)
{
    const struct json *object;
    struct wire_source source;
    unsigned state;
    if (wire_object(arena, text, &object) < 0 ||
        wire_text(object, "url", WIRE_MAX_URL, &source.url) < 0 ||
        wire_text(object, "branch", WIRE_MAX_BRANCH, &source.branch) < 0 ||
        wire_number(object, "attempt", INT64_MAX, &source.attempt) < 0 ||
        wire_word(object, "state", state_words, &state) < 0) {
        return ERR_INVALID;
    }
    source.folder = STR_EMPTY;
    if (json_get(object, "folder") &&
        wire_text(object, "folder", WIRE_MAX_FOLDER, &source.folder) < 0) {
        return ERR_INVALID;
    }
    source.state = (enum wire_source_state)state;
    *ret_source = source;
    return 0;
}

void wire_source_note_write(struct buf *out, const struct wire_source_note *note)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    wire_number_write(&w, "attempt", note->attempt);
    state_write(&w, note->state);
    wire_number_write(&w, "percent", note->percent);
    json_member_string(&w, "folder", note->folder);
    json_member_string(&w, "message", note->message);
    json_object_end(&w);
}

int wire_source_note_read(struct arena *arena, struct str text, struct wire_source_note *ret_note)
{
    const struct json *object;
    struct wire_source_note note;
    unsigned state;
    if (wire_object(arena, text, &object) < 0 ||
        wire_number(object, "attempt", INT64_MAX, &note.attempt) < 0 ||
        wire_word(object, "state", state_words, &state) < 0 ||
        wire_number(object, "percent", 100, &note.percent) < 0 ||
        wire_text(object, "folder", WIRE_MAX_FOLDER, &note.folder) < 0 ||
        wire_text(object, "message", WIRE_MAX_SOURCE_TEXT, &note.message) < 0 ||
        state == WIRE_SOURCE_PENDING) {
        return ERR_INVALID;
    }
    note.state = (enum wire_source_state)state;
    *ret_note = note;
    return 0;
}

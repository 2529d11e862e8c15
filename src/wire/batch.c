/* A batch of changes and what became of it. */
#include "wire/wire_int.h"

static const char *const change_words[] = {"put", "delete", "move", NULL};
static const char *const verdict_words[] = {"applied", "conflict", "missing_chunks", NULL};

static void change_write(struct json_writer *w, const struct wire_change *change)
{
    ASSERT(change->kind >= WIRE_CHANGE_PUT && change->kind <= WIRE_CHANGE_MOVE);
    json_object(w);
    json_member_string(w, "change", str_from(change_words[change->kind - 1]));
    wire_number_write(w, "base", change->base);
    wire_author_write(w, &change->author);
    if (change->kind == WIRE_CHANGE_PUT) {
        wire_entry_write(w, &change->entry);
    } else {
        wire_bytes_write(w, "path", change->entry.path);
    }
    if (change->kind == WIRE_CHANGE_MOVE) {
        wire_bytes_write(w, "to", change->to);
        wire_number_write(w, "to_base", change->to_base);
    }
    json_object_end(w);
}

static int change_read(struct arena *arena, const struct json *object,
                       struct wire_change *ret_change)
{
    struct wire_change change = {0};
    unsigned kind;
    if (wire_word(object, "change", change_words, &kind) < 0 ||
        wire_number(object, "base", INT64_MAX, &change.base) < 0 ||
        wire_author_read(object, &change.author) < 0) {
        return ERR_INVALID;
    }
    change.kind = (enum wire_change_kind)kind;
    int r = change.kind == WIRE_CHANGE_PUT ? wire_entry_read(arena, object, &change.entry)
                                           : wire_path(arena, object, "path", &change.entry.path);
    if (r == 0 && change.kind == WIRE_CHANGE_MOVE) {
        r = wire_path(arena, object, "to", &change.to);
        if (r == 0) {
            r = wire_number(object, "to_base", INT64_MAX, &change.to_base);
        }
    }
    if (r < 0 || change.entry.damaged) {
        return r < 0 ? r : ERR_INVALID;
    }
    change.entry.version = 0;
    *ret_change = change;
    return 0;
}

void wire_batch_write(struct buf *out, const struct wire_batch *batch)
{
    struct json_writer w;
    BUF_AUTO(id, 2 * WIRE_BATCH_ID_SIZE + 1);
    ASSERT(batch->n >= 1 && batch->n <= WIRE_MAX_CHANGES);
    encode_hex(&id, str_of(batch->id, WIRE_BATCH_ID_SIZE));
    json_writer_init(&w, out);
    json_object(&w);
    json_member_string(&w, "id", buf_str(&id));
    wire_number_write(&w, "generation", batch->generation);
    if (batch->connection > 0) {
        wire_number_write(&w, "connection", batch->connection);
    }
    if (batch->unseen > 0) {
        wire_number_write(&w, "unseen", batch->unseen);
    }
    json_name(&w, "changes");
    json_array(&w);
    for (size_t i = 0; i < batch->n; i++) {
        change_write(&w, &batch->changes[i]);
    }
    json_array_end(&w);
    json_object_end(&w);
}

static int id_read(const struct json *object, uint8_t ret_id[static WIRE_BATCH_ID_SIZE])
{
    struct str text;
    BUF_AUTO(id, WIRE_BATCH_ID_SIZE + 1);
    if (wire_text(object, "id", 2 * WIRE_BATCH_ID_SIZE, &text) < 0 ||
        text.n != 2 * WIRE_BATCH_ID_SIZE || encode_unhex(&id, text) < 0) {
        return ERR_INVALID;
    }
    memcpy(ret_id, id.p, WIRE_BATCH_ID_SIZE);
    return 0;
}

int wire_batch_read(struct arena *arena, struct str text, struct wire_batch *ret_batch)
{
    const struct json *object;
    const struct json *array;
    struct wire_batch batch = {0};
    if (text.n > WIRE_MAX_REQUEST || wire_object(arena, text, &object) < 0 ||
        id_read(object, batch.id) < 0 ||
        wire_number(object, "generation", INT64_MAX, &batch.generation) < 0 ||
        wire_number_or_0(object, "connection", INT64_MAX, &batch.connection) < 0 ||
        wire_number_or_0(object, "unseen", INT64_MAX, &batch.unseen) < 0 ||
        wire_array(object, "changes", WIRE_MAX_CHANGES, &array) < 0 || array->count == 0) {
        return ERR_INVALID;
    }
    batch.changes = ARENA_ARRAY(arena, struct wire_change, array->count);
    for (const struct json *item = array->first; item; item = item->next) {
        int r = change_read(arena, item, &batch.changes[batch.n++]);
        if (r < 0) {
            return r;
        }
    }
    *ret_batch = batch;
    return 0;
}

void wire_outcome_write(struct buf *out, const struct wire_outcome *outcome)
{
    struct json_writer w;
    ASSERT(outcome->verdict >= WIRE_APPLIED && outcome->verdict <= WIRE_MISSING);
    json_writer_init(&w, out);
    json_object(&w);
    json_member_string(&w, "outcome", str_from(verdict_words[outcome->verdict - 1]));
    switch (outcome->verdict) {
    case WIRE_APPLIED:
        ASSERT(outcome->n <= WIRE_MAX_CHANGES);
        wire_number_write(&w, "seq", outcome->seq);
        if (outcome->first > 0) {
            wire_number_write(&w, "first", outcome->first);
        }
        json_name(&w, "versions");
        json_array(&w);
        for (size_t i = 0; i < outcome->n; i++) {
            json_unsigned(&w, outcome->versions[i]);
        }
        json_array_end(&w);
        break;
    case WIRE_CONFLICT:
        wire_number_write(&w, "index", outcome->index);
        wire_number_write(&w, "version", outcome->version);
        break;
    case WIRE_MISSING:
        wire_hashes_member(&w, &outcome->missing);
        break;
    }
    json_object_end(&w);
}

static int applied_read(struct arena *arena, const struct json *object,
                        struct wire_outcome *outcome)
{
    const struct json *array;
    if (wire_number(object, "seq", INT64_MAX, &outcome->seq) < 0 ||
        wire_number_or_0(object, "first", INT64_MAX, &outcome->first) < 0 ||
        wire_array(object, "versions", WIRE_MAX_CHANGES, &array) < 0) {
        return ERR_INVALID;
    }
    outcome->versions = ARENA_ARRAY(arena, uint64_t, array->count);
    for (const struct json *item = array->first; item; item = item->next) {
        if (item->kind != JSON_INTEGER || item->integer < 0) {
            return ERR_INVALID;
        }
        outcome->versions[outcome->n++] = (uint64_t)item->integer;
    }
    return 0;
}

int wire_outcome_read(struct arena *arena, struct str text, struct wire_outcome *ret_outcome)
{
    const struct json *object;
    struct wire_outcome outcome = {0};
    unsigned verdict;
    if (wire_object(arena, text, &object) < 0 ||
        wire_word(object, "outcome", verdict_words, &verdict) < 0) {
        return ERR_INVALID;
    }
    outcome.verdict = (enum wire_verdict)verdict;
    int r = 0;
    if (outcome.verdict == WIRE_APPLIED) {
        r = applied_read(arena, object, &outcome);
    } else if (outcome.verdict == WIRE_MISSING) {
        r = wire_hashes_of(arena, object, &outcome.missing);
    } else if (wire_number(object, "index", WIRE_MAX_CHANGES - 1, &outcome.index) < 0 ||
               wire_number(object, "version", INT64_MAX, &outcome.version) < 0) {
        r = ERR_INVALID;
    }
    if (r < 0) {
        return r;
    }
    *ret_outcome = outcome;
    return 0;
}

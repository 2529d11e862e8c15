/* Inside api/: what the handlers of files, of their history and of the home share (files.c, history.c, archive.c). */
#ifndef API_FILES_API_INT_H
#define API_FILES_API_INT_H

#include "api/api_int.h"
#include "files/files.h"

/* Says, as the header Moment, which moment is answered: that of `at`, or the one that it is taken for. */
void api_moment(struct api_call *call, uint64_t at);

/* Who changes files by this call. */
struct files_author api_author(const struct api_call *call);

/* A hash as the API says it, in text, which must live as long as what is returned. */
struct api_hash_text {
    char text[CONTENT_HASH_TEXT + 1];
};
struct str api_hash(struct api_hash_text *text, const struct content_hash *hash);

/* Fills and ends the API's change object (in history.c). */
void api_write_change(struct reply_change reply, const struct files_event *change);

/* Answers with an entry and its ETag. */
int api_answer_entry(struct api_call *call, int status,
                     const struct files_entry *entry) BASE_MUST_USE;

/* Answers with a page of a folder, from in->after = what cursor (of this list, or empty) says. */
int api_answer_list(struct api_call *call, struct files_list_input *in,
                    struct str cursor) BASE_MUST_USE;

/* Answers with the bytes of a version, or of the range that was asked for. */
int api_answer_content(struct api_call *call, const struct files_open_input *in,
                       struct str if_none_match) BASE_MUST_USE;

/* Answers with a page of a path's versions. */
int api_answer_history(struct api_call *call, const struct files_history_input *in) BASE_MUST_USE;

/* Answers with a page of the changes, from where cursor (of this list, or empty) says. op: a choice of the route, which all such
 * routes have in the same order. */
enum files_op api_changes_op(bool given, int op);
int api_answer_changes(struct api_call *call, struct files_log_input *in,
                       struct str cursor) BASE_MUST_USE;

/* Restores, and answers with the entry. */
int api_answer_restored(struct api_call *call, const struct files_restore_input *in) BASE_MUST_USE;

/* ERR_CONFLICT, with words: files are going back to a moment, so that a copy of now would lack what is written meanwhile. */
int api_now_is_whole(struct api_call *call, struct str session) BASE_MUST_USE;

/* Answers with all files of a session, or of a home, as of a moment (0: now, ERR_CONFLICT as above). */
struct api_archive_of {
    struct str session; /* or the person */
    struct str name;    /* of the file, without its ending */
    uint64_t at;
    bool zip;
};
/*
 * A call by a link to a moment: ERR_NOT_FOUND when the moment is not kept any more. Asked once what is sent was read, too, since
 * retention may take the moment for a later one meanwhile. Of other calls: 0.
 */
int api_shared_stands(struct api_call *call) BASE_MUST_USE;
int api_answer_archive(struct api_call *call, const struct api_archive_of *of) BASE_MUST_USE;

#endif

/*
 * The log: one line per event on standard error, as JSON ({"time","level","area","message",…}) or as text for people.
 * Never bodies, tokens, file contents. Only the layer that ends a request logs it; libraries stay at debug. Thread safe;
 * a line is one write(2). Values longer than 1 KiB are cut. Where the log is read too slowly, lines below warning are dropped and
 * counted.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_form { LOG_TEXT, LOG_JSON };

struct log_field {
    const char *name; /* NULL ends the list */
    struct str value;
    bool number; /* value is the digits of one: JSON has it without quotes */
};

void log_setup(enum log_level least, enum log_form form);
bool log_enabled(enum log_level level);

/*
 * What this thread is busy with: fields that each of its lines has behind its own, unless they are empty or the line has one of
 * that name. Borrowed, and read anew for each line, until the next call; NULL: nothing.
 */
void log_bind(const struct log_field *fields);

/* fields NULL or ended by a NULL name. area is the folder that speaks: "store". */
void log_event(enum log_level level, const char *area, struct str message,
               const struct log_field *fields);

void log_printf(enum log_level level, const char *area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Logs and returns the code: return log_err(r, "store", "cannot open %s", path); */
int log_err(int code, const char *area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(area, ...) log_printf(LOG_DEBUG, area, __VA_ARGS__)
#define log_info(area, ...) log_printf(LOG_INFO, area, __VA_ARGS__)
#define log_warn(area, ...) log_printf(LOG_WARN, area, __VA_ARGS__)
#define log_error(area, ...) log_printf(LOG_ERROR, area, __VA_ARGS__)

#endif

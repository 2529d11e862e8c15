/*
 * Assertions for our own bugs. They stay on in production: a wrong state must end the process before it reaches a disk.
 * What a client sends or the world does is never asserted; that is an error code (base/err.h).
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

/* Prints file, line and condition, then aborts. Never returns. */
_Noreturn void assert_failed(const char *file, int line, const char *what);

/* A line printed by assert_failed, for example the request in hand. Per thread; the text must outlive its use; NULL clears. */
void assert_context(const char *text);
const char *assert_context_now(void);

#define ASSERT(cond) ((cond) ? (void)0 : assert_failed(__FILE__, __LINE__, #cond))
#define ASSERT_MAGIC(object, value) ASSERT((object) != NULL && (object)->magic == (value))
#define UNREACHABLE() assert_failed(__FILE__, __LINE__, "unreachable")

#endif

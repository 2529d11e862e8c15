/* See assert.h. Writes with write(2) alone: the heap or stdio may be what is broken. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static __thread const char *context;

void assert_context(const char *text)
{
    context = text;
}

const char *assert_context_now(void)
{
    return context;
}

static void put(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0) {
        return; /* nowhere left to report to */
    }
}

_Noreturn void assert_failed(const char *file, int line, const char *what)
{
    char number[16];
    (void)snprintf(number, sizeof number, ":%d: ", line);
    put("assertion failed: ");
    put(file);
    put(number);
    put(what);
    if (context) {
        put("\n  while: ");
        put(context);
        context = NULL; /* said once: the crash handler is next */
    }
    put("\n");
    abort();
}

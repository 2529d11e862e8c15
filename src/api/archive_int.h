/* What archive.c and unpack.c share: names are UTF-8 for libarchive, whatever the process's locale is. */
#ifndef API_ARCHIVE_INT_H
#define API_ARCHIVE_INT_H

#include <locale.h>

struct api_locale {
    locale_t utf8;
    locale_t before;
};

/* The calling thread's locale is C.UTF-8 (part of every glibc since 2.35) until api_locale_end. */
struct api_locale api_locale_begin(void);
void api_locale_end(struct api_locale *l);

#define API_UTF8_LOCALE(name) \
    struct api_locale name __attribute__((cleanup(api_locale_end), unused)) = api_locale_begin()

#endif

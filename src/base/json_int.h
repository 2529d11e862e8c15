/* What the JSON reader and writer share. */
#ifndef BASE_JSON_INT_H
#define BASE_JSON_INT_H

#include <locale.h>

/* The "C" locale, in which the decimal point is a point. Lives for ever. */
locale_t json_int_locale(void);

#endif

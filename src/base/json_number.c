/*
 * JSON numbers. An integer that fits int64_t stays exact; 1e2 and 1.0 are integers as well, as far as a double has each of them.
 * Anything else becomes a double by strtod under the "C" locale, from a normalised copy of bounded length ("123e-45"): the
 * significant digits up to SIGNIFICANT, then a 1 that stands for all that was cut (it keeps the rounding direction), then one
 * exponent. What overflows a double is refused.
 */
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/json_int.h"

enum {
    SIGNIFICANT = 40,     /* 17 tell any double from its neighbours */
    NUMBER_COPY = 64,     /* sign, digits, the 1, 'e', exponent, NUL */
    LARGEST_POWER = 99999 /* exponents beyond are all the same to a double */
};

struct scan {
    const char *at, *end;
    const char *error;
};

static bool fail(struct scan *s, const char *what)
{
    s->error = what;
    return false;
}

static bool take(struct scan *s, char c)
{
    if (s->at >= s->end || *s->at != c) {
        return false;
    }
    s->at++;
    return true;
}

struct number {
    bool negative;
    bool fractional; /* has a fraction or an exponent */
    char digits[SIGNIFICANT + 1];
    size_t n;   /* of digits, leading zeros not kept */
    bool cut;   /* digits other than zero were left out */
    long power; /* the value is digits * 10^power */
};

static bool is_digit(const struct scan *s)
{
    return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

static void add_digit(struct number *number, char digit, bool behind_point)
{
    if (number->n == 0 && digit == '0') {
        number->power -= behind_point;
    } else if (number->n < SIGNIFICANT) {
        number->digits[number->n++] = digit;
        number->power -= behind_point;
    } else {
        number->cut = number->cut || digit != '0';
        number->power += !behind_point;
    }
}

static bool scan_digits(struct scan *s, struct number *number, bool behind_point)
{
    if (!is_digit(s)) {
        return fail(s, "a digit is missing");
    }
    while (is_digit(s)) {
        add_digit(number, *s->at++, behind_point);
    }
    return true;
}

static bool scan_exponent(struct scan *s, struct number *number)
{
    bool negative = take(s, '-');
    if (!negative) {
        (void)take(s, '+');
    }
    if (!is_digit(s)) {
        return fail(s, "a digit is missing");
    }
    long power = 0;
    for (; is_digit(s); s->at++) {
        if (power < LARGEST_POWER) {
            power = power * 10 + (*s->at - '0');
        }
    }
    number->power += negative ? -power : power;
    return true;
}

/* The grammar of RFC 8259 section 6. */
static bool scan_number(struct scan *s, struct number *number)
{
    number->negative = take(s, '-');
    if (take(s, '0')) {
        if (is_digit(s)) {
            return fail(s, "a number starts with 0");
        }
    } else if (!scan_digits(s, number, false)) {
        return false;
    }
    if (take(s, '.')) {
        number->fractional = true;
        if (!scan_digits(s, number, true)) {
            return false;
        }
    }
    if (take(s, 'e') || take(s, 'E')) {
        number->fractional = true;
        return scan_exponent(s, number);
    }
    return true;
}

static bool as_integer(const struct number *number, int64_t *ret_integer)
{
    if (number->fractional || number->n > 19) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < number->n; i++) {
        value = value * 10 + (uint64_t)(number->digits[i] - '0');
    }
    if (value > (uint64_t)INT64_MAX + number->negative) {
        return false;
    }
    *ret_integer = number->negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    ASSERT(c_locale != (locale_t)0);
}

locale_t json_int_locale(void)
{
    (void)pthread_once(&c_locale_once, make_c_locale);
    return c_locale;
}

static double as_double(const struct number *number)
{
    char copy[NUMBER_COPY];
    char *to = copy;
    if (number->negative) {
        *to++ = '-';
    }
    *to++ = '0';
    memcpy(to, number->digits, number->n);
    to += number->n;
    long power = number->power;
    if (number->cut) {
        *to++ = '1';
        power--;
    }
    power = power > LARGEST_POWER ? LARGEST_POWER : power < -LARGEST_POWER ? -LARGEST_POWER : power;
    int length = snprintf(to, sizeof copy - (size_t)(to - copy), "e%ld", power);
    ASSERT(length > 0 && (size_t)length < sizeof copy - (size_t)(to - copy));
    return strtod_l(copy, NULL, json_int_locale());
}

const char *json_int_number(const char *at, const char *end, struct json *value,
                            const char **ret_error)
{
    struct scan s = {.at = at, .end = end};
    struct number number = {0};
    if (!scan_number(&s, &number)) {
        *ret_error = s.error;
        return s.at;
    }
    value->kind = JSON_INTEGER;
    if (as_integer(&number, &value->integer)) {
        return s.at;
    }
    double real = as_double(&number);
    if (!isfinite(real)) {
        *ret_error = "a number is too large";
        return at;
    }
    const double exact = (double)((int64_t)1 << 53);
    if (fabs(real) <= exact && trunc(real) == real) {
        value->integer = (int64_t)real;
    } else {
        value->kind = JSON_NUMBER;
        value->number = real;
    }
    return s.at;
}

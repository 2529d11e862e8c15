/*
 * Clocks and the two textual forms of time. The calendar is computed here (proleptic Gregorian, UTC, no leap seconds)
 * since libc's functions depend on the environment's time zone.
 */
#include "base/time.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/assert.h"

#define SECONDS_PER_DAY ((int64_t)86400)
#define FIRST_SECOND (-(int64_t)62167219200) /* 0000-01-01T00:00:00Z */
#define LAST_SECOND ((int64_t)253402300799)  /* 9999-12-31T23:59:59Z */

static _Atomic bool test_clock;
static _Atomic usec_t test_now;
static _Atomic usec_t test_monotonic;

static usec_t read_clock(clockid_t id)
{
    struct timespec t;
    ASSERT(clock_gettime(id, &t) == 0);
    return t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

usec_t time_now(void)
{
    return atomic_load(&test_clock) ? atomic_load(&test_now) : read_clock(CLOCK_REALTIME);
}

usec_t time_monotonic(void)
{
    return atomic_load(&test_clock) ? atomic_load(&test_monotonic) : read_clock(CLOCK_MONOTONIC);
}

void time_test_set(usec_t now, usec_t monotonic)
{
    atomic_store(&test_now, now);
    atomic_store(&test_monotonic, monotonic);
    atomic_store(&test_clock, true);
}

void time_test_advance(usec_t by)
{
    ASSERT(by >= 0 && time_is_test());
    atomic_fetch_add(&test_now, by);
    atomic_fetch_add(&test_monotonic, by);
}

void time_test_real(void)
{
    atomic_store(&test_clock, false);
}

bool time_is_test(void)
{
    return atomic_load(&test_clock);
}

struct calendar {
    int year, month, day, hour, minute, second, weekday; /* weekday: 0 is Sunday */
};

/* Rounded down, before 1970 too. */
static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/*
 * Days are counted from 1 March of a year divisible by 400, so that the leap day is the last of its year and every month
 * starts at (153 * month + 2) / 5.
 */
static int64_t days_from_date(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static struct calendar calendar_of(int64_t seconds)
{
    int64_t days = floor_div(seconds, SECONDS_PER_DAY);
    int64_t rest = seconds - days * SECONDS_PER_DAY;
    int64_t shifted = days + 719468;
    int64_t era = floor_div(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct calendar c = {
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .hour = (int)(rest / 3600),
        .minute = (int)(rest / 60 % 60),
        .second = (int)(rest % 60),
        .weekday = (int)(days + 4 - 7 * floor_div(days + 4, 7)),
    };
    c.year = (int)(year_of_era + era * 400 + (c.month <= 2));
    return c;
}

static usec_t clamp(usec_t t)
{
    usec_t first = FIRST_SECOND * USEC_PER_SEC;
    usec_t last = LAST_SECOND * USEC_PER_SEC + USEC_PER_SEC - 1;
    return t < first ? first : t > last ? last : t;
}

/* value in exactly digits decimal digits. */
static char *put_number(char *to, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return to + digits;
}

static char *put_text(char *to, const char *text, size_t n)
{
    memcpy(to, text, n);
    return to + n;
}

struct str time_str(char ret_text[static 25], usec_t t)
{
    t = clamp(t);
    int64_t seconds = floor_div(t, USEC_PER_SEC);
    struct calendar c = calendar_of(seconds);
    char *at = put_number(ret_text, c.year, 4);
    *at++ = '-';
    at = put_number(at, c.month, 2);
    *at++ = '-';
    at = put_number(at, c.day, 2);
    *at++ = 'T';
    at = put_number(at, c.hour, 2);
    *at++ = ':';
    at = put_number(at, c.minute, 2);
    *at++ = ':';
    at = put_number(at, c.second, 2);
    *at++ = '.';
    at = put_number(at, (int)((t - seconds * USEC_PER_SEC) / USEC_PER_MS), 3);
    *at++ = 'Z';
    *at = '\0';
    return str_of(ret_text, 24);
}

void time_format(struct buf *b, usec_t t)
{
    char text[25];
    buf_add(b, time_str(text, t));
}

struct str time_http_date(char ret_text[static 30], usec_t t)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct calendar c = calendar_of(floor_div(clamp(t), USEC_PER_SEC));
    char *at = put_text(ret_text, days + 3 * c.weekday, 3);
    at = put_text(at, ", ", 2);
    at = put_number(at, c.day, 2);
    *at++ = ' ';
    at = put_text(at, months + 3 * (c.month - 1), 3);
    *at++ = ' ';
    at = put_number(at, c.year, 4);
    *at++ = ' ';
    at = put_number(at, c.hour, 2);
    *at++ = ':';
    at = put_number(at, c.minute, 2);
    *at++ = ':';
    at = put_number(at, c.second, 2);
    (void)put_text(at, " GMT", 5);
    return str_of(ret_text, 29);
}

/* Takes exactly digits digits from the front of *s; their value when it is at most most, else -1. */
static int take_number(struct str *s, size_t digits, int most)
{
    int value = 0;
    if (s->n < digits) {
        return -1;
    }
    for (size_t i = 0; i < digits; i++) {
        if (s->p[i] < '0' || s->p[i] > '9') {
            return -1;
        }
        value = value * 10 + (s->p[i] - '0');
    }
    *s = str_slice(*s, digits, s->n);
    return value <= most ? value : -1;
}

static bool take_one_of(struct str *s, const char *set, char *ret_c)
{
    if (s->n == 0 || s->p[0] == '\0' || !strchr(set, s->p[0])) {
        return false;
    }
    *ret_c = s->p[0];
    *s = str_slice(*s, 1, s->n);
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(struct str *s, int64_t *ret_days)
{
    char c;
    int year = take_number(s, 4, 9999);
    bool dashes = take_one_of(s, "-", &c);
    int month = take_number(s, 2, 12);
    dashes = dashes && take_one_of(s, "-", &c);
    if (!dashes || year < 0 || month < 1) {
        return false;
    }
    int day = take_number(s, 2, days_in_month(year, month));
    *ret_days = days_from_date(year, month, day);
    return day >= 1;
}

static bool take_clock(struct str *s, int64_t *ret_seconds)
{
    char c;
    int hour = take_number(s, 2, 23);
    bool colons = take_one_of(s, ":", &c);
    int minute = take_number(s, 2, 59);
    colons = colons && take_one_of(s, ":", &c);
    int second = take_number(s, 2, 59);
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return colons && hour >= 0 && minute >= 0 && second >= 0;
}

/* ".123456789": digits behind the sixth are read and dropped. */
static bool take_fraction(struct str *s, usec_t *ret_usec)
{
    char c;
    usec_t scale = USEC_PER_SEC / 10;
    usec_t usec = 0;
    size_t digits = 0;
    if (take_one_of(s, ".", &c)) {
        while (take_one_of(s, "0123456789", &c)) {
            usec += (c - '0') * scale;
            scale /= 10;
            digits++;
        }
        if (digits == 0) {
            return false;
        }
    }
    *ret_usec = usec;
    return true;
}

static bool take_offset(struct str *s, int64_t *ret_seconds)
{
    char sign, colon;
    if (take_one_of(s, "Zz", &sign)) {
        *ret_seconds = 0;
        return true;
    }
    if (!take_one_of(s, "+-", &sign)) {
        return false;
    }
    int hour = take_number(s, 2, 23);
    bool ok = take_one_of(s, ":", &colon);
    int minute = take_number(s, 2, 59);
    int64_t offset = hour * 3600 + minute * 60;
    *ret_seconds = sign == '+' ? offset : -offset;
    return ok && hour >= 0 && minute >= 0;
}

int time_parse(struct str s, usec_t *ret_t)
{
    int64_t days, seconds, offset;
    usec_t usec;
    char c;
    if (!take_date(&s, &days) || !take_one_of(&s, "Tt", &c) || !take_clock(&s, &seconds) ||
        !take_fraction(&s, &usec) || !take_offset(&s, &offset) || s.n > 0) {
        return ERR_INVALID;
    }
    int64_t total = days * SECONDS_PER_DAY + seconds - offset;
    if (total < FIRST_SECOND || total > LAST_SECOND) {
        return ERR_INVALID;
    }
    *ret_t = total * USEC_PER_SEC + usec;
    return 0;
}

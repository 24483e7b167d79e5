#include "shared/clock.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec ts;
    int rc = clock_gettime(id, &ts);
    assert(rc == 0);
    (void)rc;
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

int64_t clock_real_us(void)
{
    return read_us(CLOCK_REALTIME);
}

int64_t clock_real_ms(void)
{
    return clock_real_us() / 1000;
}

int64_t clock_boot_ms(void)
{
    return read_us(CLOCK_BOOTTIME) / 1000;
}

int clock_left_ms(int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_mono_ms();
    if (left <= 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

/* The date and time of day; returns the microseconds. */
static unsigned format_seconds(int64_t real_us, char ret_date[static CLOCK_RFC3339_SIZE])
{
    int us = (int)(real_us % 1000000);
    if (us < 0)
        us += 1000000;
    time_t seconds = (time_t)((real_us - us) / 1000000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL || strftime(ret_date, CLOCK_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &tm) != 19)
        (void)snprintf(ret_date, CLOCK_RFC3339_SIZE, "0000-00-00T00:00:00");
    return (unsigned)us;
}

void clock_format_rfc3339(int64_t real_ms, char ret_text[static CLOCK_RFC3339_SIZE])
{
    char date[CLOCK_RFC3339_SIZE];
    int64_t us_max = INT64_MAX / 1000;
    int64_t ms = real_ms > us_max ? us_max : real_ms < -us_max ? -us_max : real_ms;
    unsigned us = format_seconds(ms * 1000, date);
    (void)snprintf(ret_text, CLOCK_RFC3339_SIZE, "%.19s.%03uZ", date, us / 1000 % 1000U);
}

void clock_format_micro(int64_t real_us, char ret_text[static CLOCK_MICRO_SIZE])
{
    char date[CLOCK_RFC3339_SIZE];
    unsigned us = format_seconds(real_us, date);
    (void)snprintf(ret_text, CLOCK_MICRO_SIZE, "%.19s.%06uZ", date, us % 1000000U);
}

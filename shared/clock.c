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

int64_t clock_real_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

int clock_left_ms(int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_mono_ms();
    if (left <= 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

void clock_format_rfc3339(int64_t real_ms, char ret_text[static CLOCK_RFC3339_SIZE])
{
    int ms = (int)(real_ms % 1000);
    if (ms < 0)
        ms += 1000;
    time_t seconds = (time_t)((real_ms - ms) / 1000);
    struct tm tm;
    char date[CLOCK_RFC3339_SIZE];
    if (gmtime_r(&seconds, &tm) == NULL || strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) != 19)
        (void)snprintf(date, sizeof(date), "0000-00-00T00:00:00");
    (void)snprintf(ret_text, CLOCK_RFC3339_SIZE, "%.19s.%03uZ", date, (unsigned)ms % 1000U);
}

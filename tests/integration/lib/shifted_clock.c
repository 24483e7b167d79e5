/*
 * Preloaded into a node by the tests: its wall clock is the real one plus the seconds that the file SHIFTED_CLOCK_FILE
 * begins with (an int64_t, mapped, so that a test may change it at any time). CLOCK_MONOTONIC is left alone.
 * libfaketime cannot do it: its look-up of the real functions never returns in a ProxySQL, whose allocator asks for the
 * time itself.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const _Atomic int64_t *offset_s;

__attribute__((constructor)) static void map_offset(void)
{
    const char *path = getenv("SHIFTED_CLOCK_FILE");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof(*offset_s), PROT_READ, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED)
        offset_s = map;
    close(fd);
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
    int rc = (int)syscall(SYS_clock_gettime, id, ts);
    if (rc == 0 && offset_s != NULL && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        ts->tv_sec += atomic_load(offset_s);
    return rc;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    (void)tz;
    struct timespec ts;
    int rc = clock_gettime(CLOCK_REALTIME, &ts);
    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = ts.tv_nsec / 1000;
    return rc;
}

time_t time(time_t *ret_time)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    if (ret_time != NULL)
        *ret_time = ts.tv_sec;
    return ts.tv_sec;
}

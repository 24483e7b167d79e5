#include "daemon/http/library_output.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/compiler.h"

/* libh2o 2.2.5: lib/http2/connection.c, a frame of an unknown type; lib/common/url.c, a path with odd dots;
 * lib/common/socket/evloop/epoll.c.h, a client that has gone while its request is worked on. */
static const char *const chatter[] = {"skipping frame (type:", "failed to normalize path: ", "ignoring epoll event "};

static _Atomic uint64_t dropped;

static bool is_chatter(const char *text, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(chatter); i++) {
        size_t begin = strlen(chatter[i]);
        if (len >= begin && memcmp(text, chatter[i], begin) == 0)
            return true;
    }
    return false;
}

/* Whole lines, since the stream is line buffered; what cannot be written is lost as it would be without us. */
static ssize_t write_line(void *cookie, const char *text, size_t len)
{
    (void)cookie;
    if (is_chatter(text, len)) {
        atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
        return (ssize_t)len;
    }
    return write(STDERR_FILENO, text, len);
}

static void install(void)
{
    FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_line});
    if (stream == NULL || setvbuf(stream, NULL, _IOLBF, BUFSIZ) != 0)
        return; /* then the chatter stays */
    stderr = stream;
}

void library_output_install(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, install);
}

uint64_t library_output_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}

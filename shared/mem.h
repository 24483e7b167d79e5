#pragma once

#include <stddef.h>

#include "shared/compiler.h"

/*
 * Memory and clean-up. The x functions are for small sizes of our own choosing and abort when memory is gone; what is
 * sized by somebody else's input goes through shared/buf.h, which fails with an error instead. Thread-safe.
 */

/* Zeroed memory for count objects of size bytes; free() it. Aborts when there is none. */
void *xcalloc(size_t count, size_t size);

/* A copy of text, to be freed by the caller; NULL stays NULL. Aborts when there is no memory. */
char *xstrdup(const char *text);

/* A formatted new string, to be freed by the caller. Aborts when there is no memory. */
char *xasprintf(const char *fmt, ...) PRINTF_FORMAT(1, 2);

/* close(2) if fd >= 0, keeping errno. */
void fd_close(int fd);

void cleanup_free_run(void *pointer_to_pointer);
void cleanup_fd_run(int *fd);

/* A local that is freed (closed) at the end of its scope unless taken before. */
#define cleanup_free __attribute__((cleanup(cleanup_free_run)))
#define cleanup_fd   __attribute__((cleanup(cleanup_fd_run)))

/* Hand over what a clean-up local holds: the value is returned, the local becomes NULL (-1). */
#define take_ptr(pointer)                       \
    __extension__({                             \
        __typeof__(pointer) taken_ = (pointer); \
        (pointer) = NULL;                       \
        taken_;                                 \
    })
static inline int take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

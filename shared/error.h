#pragma once

#include "shared/compiler.h"

/*
 * What went wrong, for a human: a negative errno-like code and a text on the caller's stack.
 * The first error wins: error_set() on a set error changes nothing. Callers on the way up add context with
 * error_wrap(). Not thread-safe; one error belongs to one thread at a time.
 */
struct error {
    int code; /* 0 = no error, else a negative errno */
    char text[256];
};

#define ERROR_INIT \
    {              \
        .code = 0  \
    }

/* Record code (a negative errno) and a formatted text unless an error is recorded already. err may be NULL.
 * Returns code, so that `return error_set(...)` reads well. Text beyond 255 bytes is cut. */
int error_set(struct error *err, int code, const char *fmt, ...) PRINTF_FORMAT(3, 4);

/* Put "context: " before the recorded text. Returns the recorded code. err may be NULL (then -EIO is returned). */
int error_wrap(struct error *err, const char *fmt, ...) PRINTF_FORMAT(2, 3);

/* Forget the recorded error. */
void error_clear(struct error *err);

#include "shared/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int code, const char *fmt, ...)
{
    assert(code < 0);
    if (err == NULL || err->code != 0)
        return code;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    err->code = code;
    return code;
}

int error_wrap(struct error *err, const char *fmt, ...)
{
    if (err == NULL)
        return -EIO;
    char text[sizeof(err->text)];
    va_list args;
    va_start(args, fmt);
    int used = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof(text))
        (void)snprintf(text + used, sizeof(text) - (size_t)used, ": %s", err->text);
    memcpy(err->text, text, sizeof(text));
    if (err->code == 0)
        err->code = -EIO;
    return err->code;
}

void error_clear(struct error *err)
{
    err->code = 0;
    err->text[0] = '\0';
}

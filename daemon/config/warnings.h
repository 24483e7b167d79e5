#pragma once

#include <stddef.h>

#include "shared/compiler.h"

enum {
    CONFIG_WARNINGS_MAX = 32,
    CONFIG_WARNING_TEXT_MAX = 512, /* bytes of one warning at most, longer ones are cut */
};

/*
 * What the caller should log once logging is configured; what goes beyond the limit is counted only. Not thread-safe.
 */
struct config_warnings {
    char *items[CONFIG_WARNINGS_MAX];
    size_t count;
    size_t dropped;
};

void config_warnings_add(struct config_warnings *warnings, const char *fmt, ...) PRINTF_FORMAT(2, 3);
/* Log each of them. */
void config_warnings_log(const struct config_warnings *warnings);
void config_warnings_fini(struct config_warnings *warnings);

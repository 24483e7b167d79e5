#include "daemon/config/warnings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/log.h"
#include "shared/mem.h"

void config_warnings_add(struct config_warnings *warnings, const char *fmt, ...)
{
    if (warnings->count == CONFIG_WARNINGS_MAX) {
        warnings->dropped++;
        return;
    }
    char text[CONFIG_WARNING_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    warnings->items[warnings->count++] = xstrdup(text);
}

void config_warnings_log(const struct config_warnings *warnings)
{
    for (size_t i = 0; i < warnings->count; i++)
        log_warn(warnings->items[i]);
    if (warnings->dropped > 0)
        log_warn("more warnings about the configuration", LOG_INT("not_logged", warnings->dropped));
}

void config_warnings_fini(struct config_warnings *warnings)
{
    for (size_t i = 0; i < warnings->count; i++)
        free(warnings->items[i]);
    *warnings = (struct config_warnings){.count = 0};
}

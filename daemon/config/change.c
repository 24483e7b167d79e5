#include "daemon/config/change.h"

#include <assert.h>

#include "daemon/config/option_value.h"
#include "shared/mem.h"

void config_merge(const struct loaded_config *current, struct loaded_config *next, struct config_changes *ret_changes)
{
    *ret_changes = (struct config_changes){.live_count = 0};
    for (size_t row = 0; row < option_count; row++) {
        const struct option *option = &option_table[row];
        if (option_equal(&current->config, &next->config, option))
            continue;
        if ((option->flags & OPTION_RELOAD) != 0) {
            ret_changes->live[row] = true;
            ret_changes->live_count++;
            continue;
        }
        option_copy(&next->config, &current->config, option);
        next->origin[row] = current->origin[row];
        next->origin[row].pending = true;
        ret_changes->pending[row] = true;
        ret_changes->pending_count++;
    }
}

int config_write_keys(const bool marked[OPTION_COUNT_MAX], struct buf *out)
{
    int rc = 0;
    const char *separator = "";
    for (size_t row = 0; rc == 0 && row < option_count; row++) {
        if (!marked[row])
            continue;
        rc = buf_printf(out, "%s%s", separator, option_table[row].key);
        separator = ", ";
    }
    return rc;
}

struct loaded_config *config_with_log_level(const struct loaded_config *current, int level)
{
    struct loaded_config *next = xcalloc(1, sizeof(*next));
    next->action = current->action;
    next->sources = current->sources;
    next->file = xstrdup(current->file);
    for (size_t row = 0; row < option_count; row++) {
        option_copy(&next->config, &current->config, &option_table[row]);
        next->origin[row] = current->origin[row];
    }
    int row = option_find("log.level", false);
    assert(row >= 0);
    next->config.log.level = level;
    next->origin[row].source = CONFIG_FROM_COMMAND;
    return next;
}

#include "daemon/config/item.h"

#include "daemon/config/option_value.h"

enum { text_bytes_max = 1024 * 1024 };

static const char *source_name(enum config_source source)
{
    static const char *const names[] = {
        [CONFIG_FROM_DEFAULT] = "default", [CONFIG_FROM_FILE] = "file",       [CONFIG_FROM_ENVIRONMENT] = "environment",
        [CONFIG_FROM_FLAG] = "flag",       [CONFIG_FROM_COMMAND] = "command",
    };
    return names[source];
}

static int write_file_place(const struct loaded_config *loaded, size_t row, struct buf *out)
{
    int rc = 0;
    for (const char *c = loaded->file; rc == 0 && *c != '\0'; c++)
        rc = buf_append(out, *c >= ' ' && *c <= '~' ? c : "?", 1);
    return rc == 0 ? buf_printf(out, ":%zu", loaded->origin[row].line) : rc;
}

static int write_where(const struct loaded_config *loaded, size_t row, struct buf *out)
{
    char name[OPTION_ENV_MAX];
    switch (loaded->origin[row].source) {
    case CONFIG_FROM_FILE:
        return write_file_place(loaded, row, out);
    case CONFIG_FROM_ENVIRONMENT:
        option_env_name(&option_table[row], name);
        return buf_puts(out, name);
    case CONFIG_FROM_FLAG:
        return buf_printf(out, "--%s", option_table[row].key);
    case CONFIG_FROM_DEFAULT:
    case CONFIG_FROM_COMMAND:
        return 0;
    }
    return 0;
}

int config_item_init(struct config_item *item, const struct loaded_config *loaded, size_t row)
{
    const struct option *option = &option_table[row];
    *item = (struct config_item){.key = option->key,
                                 .source = source_name(loaded->origin[row].source),
                                 .reloads = (option->flags & OPTION_RELOAD) != 0,
                                 .pending = loaded->origin[row].pending};
    buf_init(&item->value, text_bytes_max);
    buf_init(&item->where, text_bytes_max);
    int rc = option_write(&loaded->config, option, &item->value);
    return rc == 0 ? write_where(loaded, row, &item->where) : rc;
}

void config_item_fini(struct config_item *item)
{
    buf_fini(&item->value);
    buf_fini(&item->where);
}

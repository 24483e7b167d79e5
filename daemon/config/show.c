#include "daemon/config/show.h"

#include "daemon/config/item.h"
#include "daemon/config/print.h"

static void print_item(struct printer *printer, const char *before, const struct loaded_config *loaded, size_t row)
{
    cleanup_config_item struct config_item item;
    int rc = config_item_init(&item, loaded, row);
    if (printer->error == 0)
        printer->error = rc;
    print_key(printer, before, &option_table[row], "");
    print_text(printer, item.value.data);
    print(printer, " # %s%s", item.source, item.where.len == 0 ? "" : " ");
    print_text(printer, item.where.data);
    print(printer, "\n");
}

int config_show(const struct loaded_config *loaded, struct buf *out)
{
    struct printer printer = {.out = out};
    const char *before = "";
    for (size_t row = 0; row < option_count; row++) {
        print_item(&printer, before, loaded, row);
        before = option_table[row].key;
    }
    return printer.error;
}

static void print_flag(struct printer *printer, const struct option *option)
{
    static const char *const kinds[] = {
        [OPTION_INT] = "NUMBER",
        [OPTION_BOOL] = NULL,
        [OPTION_STRING] = "TEXT",
        [OPTION_ENUM] = "NAME",
        [OPTION_HOST_PORT] = "HOST:PORT",
        [OPTION_LIST] = "TEXT,...",
        [OPTION_CIDR_LIST] = "NETWORK,...",
    };
    print(printer, "  --%s%s%s\n      %s\n      (", option->key, kinds[option->type] == NULL ? "" : "=",
          kinds[option->type] == NULL ? "" : kinds[option->type], option->summary);
    print_allowed(printer, option);
    if (option->default_text[0] != '\0')
        print(printer, "; default %s", option->default_text);
    print(printer, ")\n");
}

int config_help(struct buf *out)
{
    struct printer printer = {.out = out};
    print(&printer,
          "Usage: proxysql-agent [--KEY=VALUE]...\n\n"
          "Keeps the ProxySQL node beside it, and its cluster, healthy on Kubernetes.\n\n"
          "  --help          print this and exit\n"
          "  --version       print the version and exit\n"
          "  --show-config   print every setting and where it comes from, then exit\n"
          "  --check-config  say whether the settings are valid, then exit\n\n"
          "Settings come from, in rising order: defaults, a YAML file (AGENT_CONFIG_FILE, else config.yaml,\n"
          "config.yml or config in /etc/proxysql-agent or the working folder), the environment (AGENT_API_PORT\n"
          "for api.port), flags:\n\n");
    for (size_t row = 0; row < option_count; row++) {
        if ((option_table[row].flags & OPTION_HIDDEN) == 0)
            print_flag(&printer, &option_table[row]);
    }
    return printer.error;
}

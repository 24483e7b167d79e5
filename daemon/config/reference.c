#include "daemon/config/reference.h"

#include <string.h>

#include "daemon/config/option_value.h"
#include "daemon/config/print.h"

static const char intro[] =
    "# Configuration\n\n"
    "<!-- Written by `cmake --build build --target config-docs` from daemon/config/options.c. -->\n\n"
    "Settings come from these sources; a later one goes before an earlier one:\n\n"
    "1. the defaults below,\n"
    "2. a YAML file: the one that `AGENT_CONFIG_FILE` names, else the first of `config.yaml`, `config.yml` and "
    "`config`\n"
    "   in `/etc/proxysql-agent`, then in the working folder,\n"
    "3. the environment: `AGENT_` and the key in upper case with `_` for each dot; an empty variable counts as unset,\n"
    "4. flags: `--key=value` or `--key value`; a boolean can stand alone (`--log.source`).\n\n"
    "In the file the dots are levels (`config.yaml` in the repository shows all of them), keys can be written in any\n"
    "case and as one with dots (`api.port: 8080`), and a key without a value or with `null` counts as not given. A "
    "file\n"
    "has 1 MiB at most, one document, no aliases and no key twice. Booleans are `true`, `false`, `1`, `0`, `t`, `f` "
    "and\n"
    "Go's other spellings of them.\n\n"
    "Values are judged strictly, also those that a later source replaces: the agent does not start with `80x` for a\n"
    "number and says where it stands and what is allowed. Exceptions: `log.level` and `log.format` are taken in any\n"
    "case (`plain` means `text`), and an unknown one is a warning and the default. An unknown key of the file and an\n"
    "unknown `AGENT_` variable are warnings; an unknown flag is an error.\n\n"
    "`--check-config` says whether everything is valid. `--show-config` prints each value and where it comes from, as "
    "a\n"
    "YAML file, with secrets masked. Keys marked *new* are not known to the Go agent of the same name.\n\n"
    "## Reload\n\n"
    "SIGHUP, SIGUSR2, `proxysql-agentctl reload` and `POST /api/v1/reload` read the file again; environment and flags\n"
    "are those that the process was started with. Everything is judged before anything changes: with one bad value\n"
    "all stays as it was, and one line of the log says what is wrong. The column *reload* says which settings change\n"
    "in life; of the others that differ one line says that they wait for a restart, and the agent goes on with the\n"
    "values it has.\n\n"
    "## Keys\n\n"
    "| key | environment | default | allowed | reload | meaning |\n"
    "|---|---|---|---|---|---|\n";

static void print_row(struct printer *printer, const struct option *option)
{
    char name[OPTION_ENV_MAX];
    option_env_name(option, name);
    const char *quote = option->default_text[0] == '\0' ? "" : "`";
    print(printer, "| `%s` | `%s` | %s%s%s | ", option->key, name, quote, option->default_text, quote);
    print_allowed(printer, option);
    print(printer, " | %s | %s%s%s |\n", (option->flags & OPTION_RELOAD) != 0 ? "yes" : "restart", option->summary,
          (option->flags & OPTION_SECRET) != 0 ? " *Secret.*" : "",
          (option->flags & OPTION_REFERENCE) != 0 ? "" : " *New.*");
}

int config_reference(struct buf *out)
{
    struct printer printer = {.out = out};
    printer.error = buf_puts(out, intro);
    for (size_t row = 0; row < option_count; row++)
        print_row(&printer, &option_table[row]);
    return printer.error;
}

/* A key without a meaningful default is shown with the first thing that is allowed, commented out. */
static void print_example_value(struct printer *printer, const struct config *defaults, const struct option *option)
{
    if (option->type == OPTION_ENUM && option->default_text[0] == '\0')
        print(printer, "%s", option->names[0].name);
    else
        print_value(printer, defaults, option);
    print(printer, "\n");
}

static void print_example(struct printer *printer, const struct config *defaults, const char *before,
                          const struct option *option)
{
    bool unset = option->type == OPTION_ENUM && option->default_text[0] == '\0';
    int indent = print_groups(printer, before, option);
    print(printer, "%*s# %s\n", indent, "", option->summary);
    if (option->type != OPTION_STRING) {
        print(printer, "%*s# Allowed: ", indent, "");
        print_allowed(printer, option);
        print(printer, "\n");
    }
    print_key(printer, option->key, option, unset ? "# " : "");
    print_example_value(printer, defaults, option);
}

int config_example(struct buf *out)
{
    struct printer printer = {.out = out};
    struct config defaults = {.start_delay = 0};
    option_set_defaults(&defaults);
    print(&printer, "# Every setting of proxysql-agent with its default; docs/configuration.md says more.\n"
                    "# Written by `cmake --build build --target config-docs` from daemon/config/options.c.\n");
    const char *before = "";
    for (size_t row = 0; row < option_count; row++) {
        if ((option_table[row].flags & OPTION_HIDDEN) != 0)
            continue;
        print_example(&printer, &defaults, before, &option_table[row]);
        before = option_table[row].key;
    }
    option_clear_all(&defaults);
    return printer.error;
}

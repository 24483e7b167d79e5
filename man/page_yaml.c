#include "daemon/config/options.h"
#include "man/pages.h"
#include "man/roff.h"

static void write_option(struct roff *r, const struct option *o)
{
    char env[OPTION_ENV_MAX];
    char allowed[OPTION_ALLOWED_MAX];
    if ((o->flags & OPTION_HIDDEN) != 0)
        return;
    option_env_name(o, env);
    option_allowed(o, allowed);
    roff_item(r, "%s", o->key);
    roff_text(r, "%s", o->summary);
    roff_text(r, "Default: %s.", o->default_text[0] == '\0' ? "empty" : o->default_text);
    if (allowed[0] != '\0')
        roff_text(r, "Allowed: %s%s%s.", allowed, o->unit == NULL ? "" : " ", o->unit == NULL ? "" : o->unit);
    roff_text(r, "Environment: %s.%s%s", env, (o->flags & OPTION_RELOAD) != 0 ? " Changes in life by a reload." : "",
              (o->flags & OPTION_SECRET) != 0 ? " Never shown." : "");
}

int page_yaml(struct buf *out)
{
    struct roff r = {.out = out};
    roff_macro(&r, ".TH PROXYSQL\\-AGENT.YAML 5 \"" PAGES_DATE "\" \"proxysql\\-agent %s\"", PROJECT_VERSION);
    roff_macro(&r, ".SH NAME");
    roff_text(&r, "proxysql-agent.yaml - settings of proxysql-agent");
    roff_macro(&r, ".SH DESCRIPTION");
    roff_text(&r,
              "Settings come from, in rising order: defaults, a YAML file, the environment, flags (--key=value). The "
              "file is the one that AGENT_CONFIG_FILE names, else the first of config.yaml, config.yml and config in "
              "/etc/proxysql-agent, then in the working folder. The dots of keys are levels of the file.");
    roff_macro(&r, ".PP");
    roff_text(&r,
              "proxysql-agent --check-config says whether everything is valid, proxysql-agentctl config shows what is "
              "in force and where each value comes from.");
    roff_macro(&r, ".SH SETTINGS");
    for (size_t row = 0; row < option_count; row++)
        write_option(&r, &option_table[row]);
    roff_macro(&r, ".SH SEE ALSO");
    roff_macro(&r, ".BR proxysql\\-agent (8),");
    roff_macro(&r, ".BR proxysql\\-agentctl (1)");
    return r.error;
}

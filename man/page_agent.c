#include "man/pages.h"
#include "man/roff.h"

#include "daemon/jobs/job_table.h"

static const struct roff_entry signals[] = {
    {"SIGTERM, SIGINT", "Drain (docs/drain.md), then end."},
    {"SIGQUIT", "The same without waiting for clients."},
    {"SIGHUP, SIGUSR2", "Read the settings again; what cannot change in life is named. A bad file changes nothing."},
    {"SIGUSR1", "Log what proxysql-agentctl status shows, a record for each subject."},
};

static const struct roff_entry flags[] = {
    {"--help", "Print every setting and exit."},
    {"--version", "Print the version and exit."},
    {"--show-config", "Print every setting and where it comes from, then exit."},
    {"--check-config", "Say whether the settings are valid, then exit."},
    {"--KEY=VALUE", "Any setting of proxysql-agent.yaml(5)."},
};

static void write_jobs(struct roff *r)
{
    roff_macro(r, ".SH JOBS");
    roff_text(r, "Everything that touches ProxySQL is a job of one bounded queue. Kinds, and what they may take:");
    for (size_t kind = 0; kind < JOB_IDS; kind++) {
        roff_item(r, "%s", job_table[kind].name);
        roff_text(r, "At most %lld s%s.", (long long)(job_table[kind].deadline_ms + 999) / 1000,
                  job_table[kind].while_draining ? ", also while draining" : "");
    }
}

int page_agent(struct buf *out)
{
    struct roff r = {.out = out};
    roff_macro(&r, ".TH PROXYSQL\\-AGENT 8 \"" PAGES_DATE "\" \"proxysql\\-agent %s\"", PROJECT_VERSION);
    roff_macro(&r, ".SH NAME");
    roff_text(&r, "proxysql-agent - keep the ProxySQL beside it, and its cluster, healthy on Kubernetes");
    roff_macro(&r, ".SH SYNOPSIS");
    roff_macro(&r, ".B proxysql\\-agent");
    roff_macro(&r, ".RI [\\-\\- KEY = VALUE ]...");
    roff_macro(&r, ".SH DESCRIPTION");
    roff_text(&r,
              "A sidecar of one ProxySQL. As run_mode core it keeps the cluster's member list equal to the core pods; "
              "as satellite it repairs what cluster sync cannot; as dump it writes the statistics of queries to files "
              "and ends. It answers the kubelet's probes, and drains the node before the pod ends.");
    roff_macro(&r, ".SH OPTIONS");
    roff_entries(&r, flags, ARRAY_LEN(flags));
    roff_macro(&r, ".SH SIGNALS");
    roff_entries(&r, signals, ARRAY_LEN(signals));
    write_jobs(&r);
    roff_macro(&r, ".SH EXIT STATUS");
    roff_text(&r, "0 when it did what it should, 1 when it could not start or did not drain as it should.");
    roff_macro(&r, ".SH SEE ALSO");
    roff_macro(&r, ".BR proxysql\\-agentctl (1),");
    roff_macro(&r, ".BR proxysql\\-agent.yaml (5)");
    return r.error;
}

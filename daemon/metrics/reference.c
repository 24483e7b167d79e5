#include "daemon/metrics/metrics.h"

static const char head[] =
    "# Metrics\n"
    "\n"
    "<!-- Written by ./dev docs from the table in daemon/metrics/metric_table.c. -->\n"
    "\n"
    "`GET /metrics` answers in Prometheus' text format, or in OpenMetrics to a client that asks for\n"
    "`application/openmetrics-text`. It is answered from what the agent knows, without asking ProxySQL: it is never\n"
    "late and costs ProxySQL nothing. A metric without a value (nobody was asked yet, not in this run mode) has no\n"
    "sample. `deploy/monitoring` holds alert rules and a Grafana dashboard.\n"
    "\n"
    "| metric | type | labels | |\n"
    "|---|---|---|---|\n";

int metrics_reference(struct buf *out)
{
    int rc = buf_puts(out, head);
    for (const struct metric *m = metric_table; rc == 0 && m->name != NULL; m++)
        rc = buf_printf(out, "| `%s` | %s | %s | %s |\n", m->name, metric_type_name(m->type), m->labels, m->help);
    return rc;
}

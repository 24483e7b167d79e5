#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/drain/plan.h"
#include "daemon/jobs/doctor_checks.h"
#include "daemon/proxysql/capability.h"

/* Checks of the agent and the ProxySQL beside it. */

const char *doctor_verdict_name(enum doctor_verdict verdict)
{
    static const char *const names[] = {"ok", "risk", "broken"};
    assert((size_t)verdict < ARRAY_LEN(names));
    return names[verdict];
}

void doctor_add(struct doctor_report *report, const char *check, enum doctor_verdict verdict, const char *remedy,
                const char *evidence, ...)
{
    if (report->count >= DOCTOR_FINDINGS_MAX)
        return;
    struct doctor_finding *f = &report->findings[report->count++];
    va_list args;
    va_start(args, evidence);
    (void)vsnprintf(f->evidence, sizeof(f->evidence), evidence, args);
    va_end(args);
    f->check = check;
    f->verdict = verdict;
    f->remedy = verdict == DOCTOR_OK ? "" : remedy;
}

static void check_admin(const struct doctor_facts *f, struct doctor_report *r)
{
    const struct health_snapshot *h = &f->health;
    bool answers = h->admin == ADMIN_ANSWERS;
    doctor_add(
        r, "admin interface", answers ? DOCTOR_OK : DOCTOR_BROKEN,
        "see what holds ProxySQL's admin (a long statement, a stopped process); the agent asks again every second",
        "%s on %s; traffic port %s%s%s", admin_verdict_name(h->admin), f->config->proxysql.address,
        traffic_verdict_name(h->traffic), h->reason[0] == '\0' ? "" : "; ", h->reason);
}

/* Series with known faults that the agent has to work around, by major, minor and the patches from..to. */
static const struct bad_version {
    int major, minor, from, to;
    const char *what;
} bad_versions[] = {
    {2, 5, 2, 5, "reading the cluster's checksums may crash it"},
    {3, 0, 0, 2, "it answers twice to one PAUSE"},
};

static const char *known_fault(const struct capability *c)
{
    for (size_t i = 0; i < ARRAY_LEN(bad_versions); i++) {
        const struct bad_version *b = &bad_versions[i];
        if (c->major == b->major && c->minor == b->minor && c->patch >= b->from && c->patch <= b->to)
            return b->what;
    }
    return NULL;
}

static void check_version(const struct doctor_facts *f, struct doctor_report *r)
{
    static const char check[] = "ProxySQL version";
    static const char remedy[] = "run a release of ProxySQL without this fault (2.7 or later of its series)";
    struct capability c = {.supported = false};
    const char *version = f->health.node.version;
    if (version[0] == '\0') {
        doctor_add(r, check, DOCTOR_RISK, "look again when ProxySQL answers",
                   "not known: ProxySQL has not answered yet");
        return;
    }
    bool known = capability_parse(version, &c) == 0;
    const char *fault = known ? known_fault(&c) : NULL;
    if (!known || !c.supported)
        doctor_add(r, check, DOCTOR_RISK, "run ProxySQL 2.5 to 3.x", "%s is not one that the agent was written for",
                   version);
    else if (fault != NULL)
        doctor_add(r, check, DOCTOR_RISK, remedy, "%s: %s", version, fault);
    else
        doctor_add(r, check, DOCTOR_OK, "", "%s, no known fault", version);
}

static void check_draining_file(const struct doctor_facts *f, struct doctor_report *r)
{
    const char *path = f->config->shutdown.draining_file;
    if (!f->draining_file)
        doctor_add(r, "draining file", DOCTOR_OK, "", "%s does not exist", path);
    else if (f->phase == PHASE_RUNNING)
        doctor_add(r, "draining file", DOCTOR_BROKEN, "remove it, or undrain; until then this pod is not ready",
                   "%s exists, but nothing drains", path);
    else
        doctor_add(r, "draining file", DOCTOR_OK, "", "%s exists: draining (%s)", path, drain_step_name(f->drain.step));
}

static void check_grace(const struct doctor_facts *f, struct doctor_report *r)
{
    static const char check[] = "shutdown budget";
    const struct config *c = f->config;
    const struct drain_plan_question question = {.stop = true,
                                                 .delay_ms = c->shutdown.pause_delay * 1000,
                                                 .drain_ms = c->shutdown.drain_timeout * 1000,
                                                 .stop_ms = c->shutdown.shutdown_timeout * 1000,
                                                 .grace_ms = (int64_t)f->grace_s * 1000};
    struct drain_plan plan;
    drain_plan_make(&question, &plan);
    if (f->grace_s == 0)
        doctor_add(r, check, DOCTOR_OK, "", "%lld s; the pod's grace period is not known here",
                   (long long)c->shutdown.shutdown_timeout);
    else if (plan.cut_by_grace)
        doctor_add(r, check, DOCTOR_RISK, "raise terminationGracePeriodSeconds, or lower shutdown.shutdown_timeout",
                   "shutdown_timeout is %lld s, but the pod's grace period of %d s leaves %lld s",
                   (long long)c->shutdown.shutdown_timeout, f->grace_s, (long long)plan.end_ms / 1000);
    else if (plan.delay_cut)
        doctor_add(r, check, DOCTOR_RISK, "lower shutdown.pause_delay, or raise the timeouts",
                   "pause_delay of %lld s is more than a third of the time there is",
                   (long long)c->shutdown.pause_delay);
    else
        doctor_add(r, check, DOCTOR_OK, "", "%lld s within the pod's grace period of %d s",
                   (long long)plan.end_ms / 1000, f->grace_s);
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 || strncmp(host, "localhost:", 10) == 0 ||
           strcmp(host, "::1") == 0;
}

static void check_shutdown_access(const struct doctor_facts *f, struct doctor_report *r)
{
    const struct config *c = f->config;
    bool open = c->api.shutdown_allow.count == 0 && c->api.token_file[0] == '\0';
    if (open && is_loopback(c->api.address))
        doctor_add(r, "/shutdown", DOCTOR_OK, "", "open, but only on %s", c->api.address);
    else
        doctor_add(r, "/shutdown", open ? DOCTOR_RISK : DOCTOR_OK, "set api.shutdown_allow or api.token_file",
                   open ? "open to everybody who reaches port %lld" : "limited, port %lld", (long long)c->api.port);
}

static void check_account(const struct doctor_facts *f, struct doctor_report *r)
{
    const struct config *c = f->config;
    bool is_admin = strcmp(c->proxysql.username, "admin") == 0;
    bool remote = !is_loopback(c->proxysql.address);
    doctor_add(r, "admin account", is_admin && remote ? DOCTOR_BROKEN : DOCTOR_OK,
               "use another account of admin_credentials: ProxySQL lets \"admin\" in from localhost only",
               "user %s at %s", c->proxysql.username, c->proxysql.address);
    if (f->secret_in_flag == NULL)
        doctor_add(r, "password", DOCTOR_OK, "", "not in a flag");
    else
        doctor_add(r, "password", DOCTOR_RISK, "give it in the configuration file or the environment",
                   "%s is given by a flag: every process on the node can read it", f->secret_in_flag);
}

static void check_pool(const struct doctor_facts *f, struct doctor_report *r)
{
    const struct db_pool_stats *p = &f->pool;
    if (p->parked > 0)
        doctor_add(r, "connection pool", DOCTOR_BROKEN, "the admin interface is wedged: see what holds it",
                   "%u statements wait unanswered in ProxySQL; nothing new is asked", p->parked);
    else
        doctor_add(r, "connection pool", p->refused > 0 ? DOCTOR_RISK : DOCTOR_OK,
                   "raise proxysql.pool_size, or see what kept connections busy",
                   "%u of %u lent, %llu requests refused since the start", p->lent, p->size,
                   (unsigned long long)p->refused);
}

static void check_queue(const struct doctor_facts *f, struct doctor_report *r)
{
    uint64_t refused = 0;
    size_t worst = 0;
    for (size_t kind = 0; kind < JOB_IDS; kind++) {
        refused += f->jobs[kind].refused;
        if (f->jobs[kind].refused > f->jobs[worst].refused)
            worst = kind;
    }
    if (refused == 0)
        doctor_add(r, "job queue", DOCTOR_OK, "", "no job was refused");
    else
        doctor_add(r, "job queue", DOCTOR_RISK, "jobs shows what runs and how long it takes; raise workers.count",
                   "%llu jobs refused since the start, most of kind %s", (unsigned long long)refused,
                   job_table[worst].name);
}

void doctor_check_node(const struct doctor_facts *facts, struct doctor_report *report)
{
    check_admin(facts, report);
    check_version(facts, report);
    check_account(facts, report);
    check_draining_file(facts, report);
    check_grace(facts, report);
    check_shutdown_access(facts, report);
    check_pool(facts, report);
    check_queue(facts, report);
}

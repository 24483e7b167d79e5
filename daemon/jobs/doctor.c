#include "daemon/jobs/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/cluster/wanted.h"
#include "daemon/jobs/doctor_checks.h"
#include "daemon/jobs/drain_grace.h"
#include "daemon/proxysql/admin_peer.h"
#include "daemon/proxysql/tcp_check.h"
#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/net.h"
#include "shared/resolve.h"

enum {
    tcp_check_ms = 500, /* all of them side by side */
    ask_ms = 1000,      /* one: connect, log in, one statement */
    lookup_ms = 1000,   /* of one name */
};

struct doctor_state {
    struct mutex lock;
    struct doctor_report report GUARDED;
};

struct doctor_state *doctor_state_new(void)
{
    struct doctor_state *s = xcalloc(1, sizeof(*s));
    mutex_init(&s->lock);
    return s;
}

void doctor_state_free(struct doctor_state *s)
{
    if (s != NULL)
        mutex_fini(&s->lock);
    free(s);
}

void doctor_get_report(struct doctor_state *s, struct doctor_report *ret_report)
{
    mutex_lock(&s->lock);
    *ret_report = s->report;
    mutex_unlock(&s->lock);
}

/* A URL to upload to is a secret when it is presigned. */
static bool is_secret(const struct config *config, size_t row)
{
    if (strcmp(option_table[row].key, "dump.upload_url") == 0)
        return strchr(config->dump.upload_url, '?') != NULL;
    return (option_table[row].flags & OPTION_SECRET) != 0;
}

static const char *secret_in_flag(const struct config *config)
{
    const struct loaded_config *loaded = config_live_loaded(config);
    for (size_t row = 0; row < option_count; row++)
        if (loaded->origin[row].source == CONFIG_FROM_FLAG && is_secret(config, row))
            return option_table[row].key;
    return NULL;
}

static void read_states(const struct job_context *c, struct doctor_facts *f)
{
    f->config = c->config;
    f->secret_in_flag = secret_in_flag(c->config);
    health_state_get(c->health, &f->health);
    f->phase = phase_get(c->phase);
    f->draining_file = access(c->config->shutdown.draining_file, F_OK) == 0;
    drain_get_stats(c->drain, &f->drain);
    db_pool_stats(c->pool, &f->pool);
    for (size_t kind = 0; kind < JOB_IDS; kind++)
        job_queue_stats(c->queue, kind, &f->jobs[kind]);
    f->has_pods = c->pods != NULL;
    if (f->has_pods)
        pod_watch_get_stats(c->pods, &f->pods);
    struct elector *elector = f->has_pods ? pod_watch_elector(c->pods) : NULL;
    f->has_election = elector != NULL;
    if (f->has_election)
        elector_get_stats(elector, &f->election);
    f->grace_s = (int32_t)(drain_own_grace_ms(c) / 1000);
}

static bool is_numeric(const char *host)
{
    struct sockaddr_storage address;
    return net_sockaddr(host, 1, &address) != 0;
}

static void look_up_names(const struct member_list *members, struct doctor_facts *f)
{
    for (size_t i = 0; i < members->count && f->name_count < DOCTOR_NAMES_MAX; i++) {
        struct resolved resolved = {.count = 0};
        if (is_numeric(members->items[i].host))
            continue;
        struct doctor_name *name = &f->names[f->name_count++];
        (void)snprintf(name->host, sizeof(name->host), "%s", members->items[i].host);
        if (resolve_host(name->host, clock_mono_ms() + lookup_ms, &resolved, NULL) == 0)
            name->addresses = (unsigned)resolved.count;
    }
}

static void list_peers(const struct job_context *c, const struct member_list *members, struct doctor_facts *f)
{
    for (size_t i = 0; i < members->count; i++) {
        const struct member *m = &members->items[i];
        bool own = strcmp(m->host, c->admin_host) == 0 && m->port == c->admin_port;
        if (own || !is_numeric(m->host)) /* a name is many nodes, or one that its address names too */
            continue;
        if (f->peer_count >= DOCTOR_PEERS_MAX) {
            f->peers_left_out++;
            continue;
        }
        struct doctor_peer *p = &f->peers[f->peer_count++];
        p->port = m->port;
        (void)snprintf(p->host, sizeof(p->host), "%s", m->host);
    }
}

/* Its clock and ours are read at different moments: what passed between them is taken off. */
static void ask_peer(const struct job_context *c, const struct inspect_report *report, struct doctor_peer *p)
{
    struct error err = ERROR_INIT;
    struct db_conn *conn = NULL;
    struct admin_peer answer = {.now_s = 0};
    int64_t deadline_ms = clock_mono_ms() + ask_ms;
    int rc = db_pool_connect_other(c->pool, p->host, p->port, deadline_ms, &conn, &err);
    if (rc == 0)
        rc = admin_read_peer(conn, deadline_ms, &answer, &err);
    db_conn_free(conn);
    if (rc < 0) {
        (void)snprintf(p->error, sizeof(p->error), "%s", err.text);
        return;
    }
    (void)snprintf(p->version, sizeof(p->version), "%s", answer.version);
    p->skew_s = answer.now_s - report->view.now - (clock_mono_ms() - report->at_ms) / 1000;
}

static int ask_peers(struct job *job, const struct job_context *c, const struct inspect_report *report,
                     struct doctor_facts *f, struct error *err)
{
    struct tcp_target targets[DOCTOR_PEERS_MAX];
    for (size_t i = 0; i < f->peer_count; i++)
        targets[i] = (struct tcp_target){.host = f->peers[i].host, .port = f->peers[i].port};
    if (f->peer_count > 0)
        tcp_check(targets, f->peer_count, clock_mono_ms() + tcp_check_ms);
    for (size_t i = 0; i < f->peer_count; i++) {
        const struct job_progress progress = {
            .text = "asking the other nodes", .done = i, .total = f->peer_count, .unit = "nodes"};
        job_report_progress(job, &progress);
        if (job_should_stop(job) || clock_mono_ms() + ask_ms >= job_deadline_ms(job))
            return error_set(err, -ECANCELED, "stopped while asking the other nodes");
        if (targets[i].accepts)
            ask_peer(c, report, &f->peers[i]);
        else
            (void)snprintf(f->peers[i].error, sizeof(f->peers[i].error), "does not accept connections");
    }
    return 0;
}

static int look(struct job *job, const struct job_context *c, struct doctor_facts *f, struct error *err)
{
    struct inspect_snapshot snapshot = {.report = NULL};
    struct error why = ERROR_INIT;
    bool known = inspect_now(job, c, &why) == 0;
    int rc = 0;
    if (f->has_pods)
        doctor_permissions_ask(job, c->config, f->has_election, &f->permissions);
    inspect_get(c->inspect, &snapshot);
    f->report = known ? snapshot.report : NULL;
    f->report_error = why.text;
    if (f->report != NULL) {
        look_up_names(&f->report->view.members, f);
        list_peers(c, &f->report->view.members, f);
        rc = ask_peers(job, c, f->report, f, err);
    }
    if (rc == 0) {
        struct doctor_report report = {.at_ms = clock_mono_ms()};
        doctor_check_node(f, &report);
        doctor_check_cluster(f, &report);
        mutex_lock(&c->doctor->lock);
        c->doctor->report = report;
        mutex_unlock(&c->doctor->lock);
    }
    inspect_put(c->inspect, &snapshot);
    return rc;
}

int doctor_run(struct job *job, void *context, struct error *err)
{
    const struct job_context *c = context;
    struct doctor_facts *facts = xcalloc(1, sizeof(*facts));
    read_states(c, facts);
    int rc = look(job, c, facts, err);
    free(facts);
    return rc;
}

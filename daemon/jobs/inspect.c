#include "daemon/jobs/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/cluster/wanted.h"
#include "daemon/discovery/own_pod.h"
#include "daemon/jobs/job_table.h"
#include "daemon/proxysql/admin_cluster.h"
#include "daemon/proxysql/capability.h"
#include "shared/clock.h"
#include "shared/mem.h"

enum { look_ms = 500 }; /* for the source of members to say who the cores are */

struct inspect_state {
    struct own_pod own;
    struct mutex lock;
    struct inspect_report *report GUARDED; /* the state holds a reference */
    char error[256] GUARDED;
};

struct inspect_state *inspect_state_new(void)
{
    struct inspect_state *s = xcalloc(1, sizeof(*s));
    own_pod_detect(&s->own);
    mutex_init(&s->lock);
    return s;
}

static void report_free(struct inspect_report *r)
{
    cluster_view_fini(&r->view);
    member_list_fini(&r->wanted);
    puller_list_fini(&r->pullers);
    free(r);
}

/* Take one reference away; the report is freed with the last one. */
static void unref(struct inspect_state *s, struct inspect_report *r)
{
    if (r == NULL)
        return;
    mutex_lock(&s->lock);
    bool last = --r->references == 0;
    mutex_unlock(&s->lock);
    if (last)
        report_free(r);
}

static struct inspect_report *replace(struct inspect_state *s, struct inspect_report *report, const char *error)
{
    mutex_lock(&s->lock);
    struct inspect_report *before = report == NULL ? NULL : s->report;
    if (report != NULL) {
        report->references = 1;
        s->report = report;
    }
    (void)snprintf(s->error, sizeof(s->error), "%s", error);
    mutex_unlock(&s->lock);
    return before;
}

void inspect_state_free(struct inspect_state *s)
{
    if (s == NULL)
        return;
    mutex_lock(&s->lock);
    struct inspect_report *last = s->report;
    s->report = NULL;
    mutex_unlock(&s->lock);
    unref(s, last);
    own_pod_fini(&s->own);
    mutex_fini(&s->lock);
    free(s);
}

void inspect_get(struct inspect_state *s, struct inspect_snapshot *ret_snapshot)
{
    mutex_lock(&s->lock);
    if (s->report != NULL)
        s->report->references++;
    ret_snapshot->report = s->report;
    (void)snprintf(ret_snapshot->error, sizeof(ret_snapshot->error), "%s", s->error);
    mutex_unlock(&s->lock);
}

void inspect_put(struct inspect_state *s, struct inspect_snapshot *snapshot)
{
    unref(s, (struct inspect_report *)(uintptr_t)snapshot->report);
    snapshot->report = NULL;
}

static bool is_fresh(struct inspect_state *s)
{
    mutex_lock(&s->lock);
    bool fresh = s->report != NULL && s->error[0] == '\0' && clock_mono_ms() - s->report->at_ms < INSPECT_FRESH_MS;
    mutex_unlock(&s->lock);
    return fresh;
}

/* Without a complete answer of the source nobody knows who should be a member. */
static void want(const struct job_context *c, struct inspect_report *r)
{
    if (c->members == NULL)
        return;
    struct pod_view *pods = c->members->look(c->members->arg, clock_mono_ms() + look_ms);
    const struct wanted_question question = {.pods = pods->pods,
                                             .pod_count = pods->count,
                                             .port = c->admin_port,
                                             .runtime = &r->view.members,
                                             .own = &c->inspect->own};
    r->wanted_known = pods->complete && wanted_members(&question, &r->wanted, NULL) == 0;
    pod_view_free(pods);
}

static int64_t statement_deadline_ms(const struct job *job, const struct job_context *c)
{
    int64_t deadline_ms = clock_mono_ms() + c->config->proxysql.query_timeout_ms;
    return deadline_ms < job_deadline_ms(job) ? deadline_ms : job_deadline_ms(job);
}

static int read_all(struct job *job, const struct job_context *c, struct db_conn *conn, const char *version,
                    struct inspect_report *r, struct error *err)
{
    struct capability capability = {.checksums_unsafe = false};
    if (capability_parse(version, &capability) < 0)
        capability = (struct capability){.checksums_unsafe = false}; /* judged like a current one */
    r->peers_known = !capability.checksums_unsafe;
    int rc = admin_read_cluster(conn, capability.checksums_unsafe, statement_deadline_ms(job, c), &r->view, err);
    if (rc == 0)
        rc = admin_read_pullers(conn, statement_deadline_ms(job, c), &r->pullers, err);
    r->at_ms = clock_mono_ms();
    return rc;
}

static int read_report(struct job *job, const struct job_context *c, struct inspect_report *r, struct error *err)
{
    struct health_snapshot health;
    struct db_conn *conn = NULL;
    health_state_get(c->health, &health);
    if (health.admin != ADMIN_ANSWERS)
        return error_set(err, -EAGAIN, "ProxySQL's admin interface does not answer");
    int rc = db_pool_get(c->pool, DB_LANE_READ, statement_deadline_ms(job, c), &conn, err);
    if (rc == 0)
        rc = read_all(job, c, conn, health.node.version, r, err);
    db_pool_put(c->pool, conn);
    if (rc == 0)
        want(c, r);
    return rc;
}

int inspect_run(struct job *job, void *context, struct error *err)
{
    return inspect_now(job, context, err);
}

int inspect_now(struct job *job, const struct job_context *c, struct error *err)
{
    if (is_fresh(c->inspect))
        return 0;
    struct inspect_report *r = xcalloc(1, sizeof(*r));
    int rc = read_report(job, c, r, err);
    if (rc < 0) {
        report_free(r);
        r = NULL;
    }
    unref(c->inspect, replace(c->inspect, r, rc < 0 ? err->text : ""));
    return rc;
}

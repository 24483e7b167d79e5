#include "daemon/jobs/drain_empty.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/cluster/wanted.h"
#include "shared/clock.h"
#include "shared/log.h"

enum {
    tick_ms = 50,         /* how often the workers are woken */
    look_ms = 500,        /* how often clients are counted; rebuilds stats_mysql_global */
    last_look_ms = 400,   /* a statement that begins in time may take so long after it */
    poll_ms = 1000,       /* how often it is looked who polls this node */
    own_row_ms = 200,     /* DNS may have to be asked where this node is */
    kill_idle_ms = 5,     /* a session idle for less may be between two statements that belong together */
    kill_batch = 2,       /* what was seen idle is killed at once, before it is busy again */
    kill_rounds = 50,     /* in one tick */
    silent_intervals = 5, /* nobody polls a node that was not polled for so many of its intervals */
    quiet_intervals = 2,  /* after so many it looks as if they had ceased, which is waited for */
};

/* The wait_timeout goes down while clients are left. The first one is longer than the pause between two statements that
 * belong together without a transaction, the last one ends all that are ever idle. */
static const struct {
    int64_t after_ms; /* of lowered wait_timeouts */
    int64_t wait_timeout_ms;
} levels[] = {{0, 25}, {1000, 10}, {2000, 1}};

struct emptying {
    struct drain_node *node;
    struct job *job;
    const struct drain_emptying *how;
    struct drain_emptied_result *result;
    struct admin_traffic traffic; /* the last look */
    bool known;                   /* there was one, and the node can be asked */
    bool by_variables;
    bool falling_silent; /* those who polled this node seem to have ceased */
    bool holders_left;   /* sessions that are waited for */
    bool told_holders;
    int64_t old_wait_timeout_ms; /* before it was lowered */
    int64_t old_session_idle_ms; /* before it was raised */
    int64_t lowered_ms;          /* monotonic, when it was lowered first; 0 = not yet */
    int64_t limit_ms; /* when statements must have ended: a moment after the end, which may be over at the begin */
    int64_t next_look_ms;
    int64_t next_poll_ms;
};

bool drain_wait_timeout_is_ours(int64_t wait_timeout_ms)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (wait_timeout_ms == levels[i].wait_timeout_ms)
            return true;
    return false;
}

/* Keep why the node cannot be asked. */
static int note(struct emptying *e, int rc, const struct error *why)
{
    e->known = rc == 0;
    e->result->problem = *why;
    return rc;
}

static int settle(struct emptying *e, int rc, const struct error *why)
{
    return note(e, drain_node_settle(e->node, rc), why);
}

static int look(struct emptying *e)
{
    struct error why = ERROR_INIT;
    e->next_look_ms = clock_mono_ms() + look_ms;
    int rc = note(e, drain_node_look(e->node, e->limit_ms, &e->traffic, &why), &why);
    if (rc < 0)
        return rc;
    e->result->clients = e->traffic.clients + e->traffic.pgsql_clients;
    e->result->transactions = e->traffic.transactions;
    if (e->result->at_first < 0)
        e->result->at_first = e->result->clients;
    const struct job_progress progress = {
        .text = "waiting for clients to leave",
        .done = (uint64_t)(e->result->at_first > e->result->clients ? e->result->at_first - e->result->clients : 0),
        .total = (uint64_t)e->result->at_first,
        .unit = "clients"};
    job_report_progress(e->job, &progress);
    return 0;
}

static int64_t deadline_ms(const struct emptying *e)
{
    return drain_node_deadline_ms(e->node, e->limit_ms);
}

/* Whether sessions that hold something are still waited for. */
static int check_holders(struct emptying *e)
{
    struct error why = ERROR_INIT;
    int64_t holders = 0;
    e->holders_left = false;
    int rc = settle(e, admin_count_holders(e->node->conn, deadline_ms(e), &holders, &why), &why);
    if (rc < 0 || holders == 0)
        return rc;
    e->result->holders = holders;
    e->holders_left = true;
    if (!e->told_holders)
        log_info("draining: waiting for sessions that hold a lock or a temporary table", LOG_INT("sessions", holders));
    e->told_holders = true;
    return 0;
}

static int set_wait_timeout(struct emptying *e, int64_t wait_timeout_ms)
{
    struct error why = ERROR_INIT;
    if (e->traffic.wait_timeout_ms == wait_timeout_ms)
        return 0;
    int rc = settle(e, admin_set_wait_timeout(e->node->conn, wait_timeout_ms, deadline_ms(e), &why), &why);
    if (rc == 0)
        e->traffic.wait_timeout_ms = wait_timeout_ms;
    return rc;
}

/* The row of this node in the member list, as far as the source of the members knows it. */
static void find_own_row(const struct job_context *c, char ret_host[static MEMBER_HOST_SIZE], uint16_t *ret_port)
{
    ret_host[0] = '\0';
    *ret_port = c->admin_port;
    if (c->members == NULL)
        return;
    struct pod_view *view = c->members->look(c->members->arg, clock_mono_ms() + own_row_ms);
    const struct pod *own = wanted_own_pod(view->pods, view->count);
    if (own != NULL)
        (void)snprintf(ret_host, MEMBER_HOST_SIZE, "%s", own->ip);
    if (own != NULL && own->port != 0)
        *ret_port = own->port;
    pod_view_free(view);
}

/* A core goes over to the satellite's way as soon as nobody else polls it, and back when somebody does again. */
static int check_pollers(struct emptying *e)
{
    struct error why = ERROR_INIT;
    char own_host[MEMBER_HOST_SIZE];
    struct admin_pollers_question question = {.own_host = own_host,
                                              .own_success = !e->node->checksums_unsafe,
                                              .lately = quiet_intervals,
                                              .long_ago = silent_intervals};
    struct admin_pollers pollers;
    find_own_row(e->node->context, own_host, &question.own_port);
    int rc = settle(e, admin_read_pollers(e->node->conn, &question, deadline_ms(e), &pollers, &why), &why);
    if (rc < 0)
        return rc;
    bool was_alone = e->by_variables;
    e->by_variables = pollers.long_ago == 0;
    e->falling_silent = pollers.lately == 0;
    if (e->by_variables == was_alone)
        return 0;
    log_info(e->by_variables ? "draining: no other node of the cluster polls this one any more"
                             : "draining: a node of the cluster polls this one again");
    return e->by_variables || e->lowered_ms == 0 ? 0 : set_wait_timeout(e, e->old_wait_timeout_ms);
}

static int check(struct emptying *e)
{
    int64_t now_ms = clock_mono_ms();
    bool wait_for_holders = now_ms < e->how->holders_until_ms;
    int rc = 0;
    if (e->how->leaves_for_good && now_ms >= e->next_poll_ms) {
        e->next_poll_ms = now_ms + poll_ms;
        rc = check_pollers(e);
    }
    if (rc == 0 && e->by_variables && wait_for_holders)
        rc = check_holders(e); /* before every wake: who begins to hold something after it is idle for less than that */
    if (e->holders_left && !wait_for_holders) {
        e->holders_left = false;
        log_warn("draining: sessions that hold a lock or a temporary table are not waited for any more",
                 LOG_INT("sessions", e->result->holders));
    }
    return rc;
}

static int wake(struct emptying *e)
{
    struct error why = ERROR_INIT;
    return settle(e, admin_wake(e->node->conn, deadline_ms(e), &why), &why);
}

/* Only of a satellite that is to stop: it must never be copied by peers. */
static int keep_in_workers(struct emptying *e)
{
    struct error why = ERROR_INIT;
    int64_t present_ms = e->traffic.session_idle_ms;
    if (!e->how->may_touch_variables || e->node->order.target != DRAIN_STOPPED || present_ms < 0)
        return 0;
    if (present_ms != ADMIN_SESSION_IDLE_MAX_MS && present_ms != e->old_session_idle_ms) {
        e->old_session_idle_ms = present_ms;
        e->how->before_touch(e->how->arg, e->old_wait_timeout_ms, present_ms);
    }
    return settle(e, admin_set_session_idle(e->node->conn, ADMIN_SESSION_IDLE_MAX_MS, deadline_ms(e), &why), &why);
}

static int64_t level(const struct emptying *e)
{
    size_t i = ARRAY_LEN(levels) - 1;
    while (i > 0 && clock_mono_ms() - e->lowered_ms < levels[i].after_ms)
        i--;
    return levels[i].wait_timeout_ms;
}

/* A core that loads its variables meanwhile brings the old value back, or another one: it is lowered again. While a
 * session is waited for that holds something, the old value counts. */
static int lower_wait_timeout(struct emptying *e)
{
    int64_t now_ms = clock_mono_ms();
    int64_t present_ms = e->traffic.wait_timeout_ms;
    if (!drain_wait_timeout_is_ours(present_ms) && present_ms != e->old_wait_timeout_ms) {
        e->old_wait_timeout_ms = present_ms;
        e->how->before_touch(e->how->arg, present_ms, e->old_session_idle_ms);
    }
    if (e->holders_left)
        return e->lowered_ms == 0 || e->old_wait_timeout_ms < 0 ? 0 : set_wait_timeout(e, e->old_wait_timeout_ms);
    if (e->lowered_ms == 0)
        e->lowered_ms = now_ms;
    if (!drain_wait_timeout_is_ours(present_ms) && keep_in_workers(e) < 0)
        return -1;
    return set_wait_timeout(e, level(e));
}

/* One batch; *ret_more: there may be more of them. */
static int kill_some(struct emptying *e, bool *ret_more)
{
    struct error why = ERROR_INIT;
    int64_t ids[kill_batch];
    size_t count = 0;
    int rc = settle(
        e, admin_read_idle_sessions(e->node->conn, kill_idle_ms, kill_batch, ids, &count, deadline_ms(e), &why), &why);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = settle(e, admin_kill_session(e->node->conn, ids[i], deadline_ms(e), &why), &why);
    *ret_more = count == kill_batch;
    return rc;
}

static int kill_idle(struct emptying *e)
{
    bool more = true;
    int rc = wake(e);
    for (int i = 0; rc == 0 && more && i < kill_rounds; i++) {
        rc = kill_some(e, &more);
        if (rc == 0)
            rc = wake(e);
    }
    return rc;
}

/* A value that may be shorter than the pause between two statements that belong together counts for this wake alone,
 * before which nobody held anything: workers also look at it by themselves, once a second, at any moment. */
static int wake_lowered(struct emptying *e)
{
    const int64_t present_ms = e->traffic.wait_timeout_ms;
    int rc = wake(e);
    if (rc == 0 && drain_wait_timeout_is_ours(present_ms) && present_ms != levels[0].wait_timeout_ms)
        rc = set_wait_timeout(e, levels[0].wait_timeout_ms);
    return rc;
}

static void shed(struct emptying *e)
{
    if (!e->how->close_idle || !e->known || e->node->conn == NULL || check(e) < 0)
        return;
    if (e->by_variables ? lower_wait_timeout(e) < 0 : e->falling_silent)
        return;
    (void)(e->by_variables ? wake_lowered(e) : kill_idle(e)); /* what kept it from working is noted */
}

/* While PAUSE holds the admin mutex nobody can look who holds something: the old wait_timeout counts. */
static bool somebody_came(struct emptying *e)
{
    if (e->node->new_clients == 0 || clock_mono_ms() >= e->how->pause_by_ms)
        return false;
    if (drain_wait_timeout_is_ours(e->traffic.wait_timeout_ms) && e->old_wait_timeout_ms >= 0)
        (void)set_wait_timeout(e, e->old_wait_timeout_ms); /* what kept it from working is noted */
    return true;
}

static bool is_empty(const struct emptying *e)
{
    return e->known && e->result->clients == 0;
}

enum drain_emptied drain_empty(struct drain_node *node, struct job *job, const struct drain_emptying *how,
                               struct drain_emptied_result *ret_result)
{
    *ret_result = (struct drain_emptied_result){.at_first = -1, .clients = -1, .transactions = -1};
    int64_t now_ms = clock_mono_ms();
    struct emptying e = {.node = node,
                         .limit_ms = (how->until_ms > now_ms ? how->until_ms : now_ms) + last_look_ms,
                         .job = job,
                         .how = how,
                         .result = ret_result,
                         .by_variables = how->may_touch_variables,
                         .old_wait_timeout_ms = how->old_wait_timeout_ms,
                         .old_session_idle_ms = how->old_session_idle_ms};
    for (;;) {
        int rc = clock_mono_ms() >= e.next_look_ms ? look(&e) : 0;
        if (somebody_came(&e))
            return DRAIN_SOMEBODY_CAME;
        if (is_empty(&e))
            return DRAIN_EMPTY;
        if (rc == -ECONNREFUSED && drain_node_gone(node))
            return DRAIN_NODE_GONE;
        if (clock_mono_ms() >= how->until_ms)
            return DRAIN_TIME_UP;
        shed(&e);
        if (job_should_stop(job) || drain_state_sleep(node->state, &node->order, clock_mono_ms() + tick_ms))
            return DRAIN_INTERRUPTED;
    }
}

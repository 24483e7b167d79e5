#include "daemon/discovery/elector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/backoff.h"
#include "shared/buf.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/thread.h"

enum {
    look_ms = 500, /* how often a leader looks whether it still stands */
    tries = 3,     /* requests that fit into the renew deadline */
    backoff_cap_ms = 20 * 1000,
    log_again_ms = 60 * 1000,
};

struct elector {
    /* of the thread that runs it */
    char *namespace;
    char *lease_name;
    char *collection; /* paths */
    char *path;
    elector_standing_fn *standing;
    void *arg;
    struct kube_target target;
    struct kube_request *request;
    enum leadership_step running; /* WAIT: no request */
    int64_t sent_ms;              /* CLOCK_BOOTTIME */
    struct buf body;              /* of the answer */
    struct buf read;              /* the lease as it was last answered, its whole object */
    struct backoff backoff;
    bool failing;
    bool fresh;
    bool resigning;
    bool changed;
    struct log_limit log_limit;
    char holder[LEASE_HOLDER_MAX + 1]; /* as last reported */
    bool led;                          /* likewise */

    struct mutex lock; /* of what follows; the thread that runs it is the only one to write l */
    struct leadership l GUARDED;
    int64_t node_failing_ms GUARDED; /* CLOCK_BOOTTIME: since when the own ProxySQL takes no pass; 0 = it does */
    bool node_took GUARDED;          /* a pass, ever */
    struct elector_stats stats GUARDED;
};

/* --- who leads */

static void report_leading(struct elector *e, const struct leadership *l, bool leads)
{
    if (leads)
        log_info("leading: this core writes the members and accepts satellites", LOG_STR("lease", e->lease_name),
                 LOG_STR("identity", l->identity), LOG_INT("transitions", l->record.transitions));
    else
        log_warn("not leading any more", LOG_STR("lease", e->lease_name),
                 LOG_STR("reason", leadership_is_ours(l) ? "the lease was not renewed in time, or is given up"
                                                         : "the lease has another holder or none"),
                 LOG_STR("holder", l->record.holder));
}

/* Say once what has changed. */
static void report_leader(struct elector *e)
{
    struct leadership l;
    mutex_lock(&e->lock);
    l = e->l;
    mutex_unlock(&e->lock);
    if (l.leading != e->led)
        report_leading(e, &l, l.leading);
    else if (l.known && !l.leading && l.record.holder[0] != '\0' && strcmp(l.record.holder, e->holder) != 0)
        log_info("another core leads", LOG_STR("lease", e->lease_name), LOG_STR("holder", l.record.holder));
    if (l.leading != e->led || strcmp(l.record.holder, e->holder) != 0)
        e->changed = true;
    e->led = l.leading;
    memcpy(e->holder, l.record.holder, sizeof(e->holder));
}

/* --- failures */

static int64_t retry_ms(struct elector *e)
{
    mutex_lock(&e->lock);
    int64_t ms = e->l.rules.retry_ms;
    mutex_unlock(&e->lock);
    return ms;
}

static void log_failure(struct elector *e, enum leadership_step step, const struct error *err, int64_t delay_ms)
{
    uint64_t suppressed = 0;
    bool first = !e->failing;
    e->failing = true;
    if (log_limit_pass(&e->log_limit, &suppressed) || first)
        log_warn("the lease cannot be had, trying again", LOG_STR("lease", e->lease_name),
                 LOG_STR("step", leadership_step_name(step)), LOG_STR("error", err->text), LOG_INT("in_ms", delay_ms),
                 LOG_INT("suppressed", suppressed));
}

/* What a Role lacks is not there in a moment; everything else is tried again as soon as the settings say. */
static void fail(struct elector *e, enum leadership_step step, struct error *err, int64_t retry_after_ms)
{
    int64_t delay_ms = retry_ms(e);
    if (err->code == -EACCES)
        delay_ms = backoff_next_ms(&e->backoff);
    if (delay_ms < retry_after_ms)
        delay_ms = retry_after_ms;
    (void)error_wrap(err, "%s", e->target.verb);
    e->fresh = true;
    mutex_lock(&e->lock);
    leadership_failed(&e->l, delay_ms, clock_boot_ms());
    e->stats.failures++;
    memcpy(e->stats.error, err->text, sizeof(e->stats.error));
    mutex_unlock(&e->lock);
    log_failure(e, step, err, delay_ms);
}

static void succeed(struct elector *e)
{
    backoff_reset(&e->backoff);
    if (e->failing)
        log_info("the lease can be had again", LOG_STR("lease", e->lease_name));
    e->failing = false;
}

/* --- answers */

static int take_lease(struct elector *e, struct lease *lease, struct error *err)
{
    int rc = lease_parse(e->body.data, e->body.len, lease, err);
    if (rc < 0)
        return rc;
    buf_reset(&e->read);
    rc = buf_append(&e->read, e->body.data, e->body.len);
    return rc < 0 ? error_set(err, rc, "out of memory") : 0;
}

/* lease NULL: there is none. */
static void apply(struct elector *e, enum leadership_step step, const struct lease *lease)
{
    int64_t now_ms = clock_boot_ms();
    mutex_lock(&e->lock);
    if (step == LEADERSHIP_READ) {
        int64_t spread_ms = backoff_jitter_ms(&e->backoff, e->l.rules.retry_ms / 5);
        leadership_was_read(&e->l, lease, spread_ms, e->sent_ms, now_ms);
    } else {
        leadership_was_written(&e->l, lease, e->sent_ms, now_ms);
        e->stats.renewals++;
    }
    e->stats.error[0] = '\0';
    mutex_unlock(&e->lock);
    succeed(e);
}

static void conflict(struct elector *e, enum leadership_step step)
{
    mutex_lock(&e->lock);
    leadership_conflict(&e->l, clock_boot_ms());
    e->stats.conflicts++;
    mutex_unlock(&e->lock);
    log_debug("another core wrote the lease at the same time", LOG_STR("lease", e->lease_name),
              LOG_STR("step", leadership_step_name(step)));
}

static void on_done(void *arg, const struct kube_answer *answer)
{
    struct elector *e = arg;
    struct error err = answer->err;
    struct lease lease;
    enum leadership_step step = e->running;
    e->running = LEADERSHIP_WAIT;
    if (answer->status == 404 && step == LEADERSHIP_READ)
        apply(e, step, NULL);
    else if (answer->status == 409 || (answer->status == 404 && step != LEADERSHIP_CREATE))
        conflict(e, step); /* or it was deleted */
    else if (err.code == 0 && take_lease(e, &lease, &err) == 0)
        apply(e, step, &lease);
    else
        fail(e, step, &err, answer->retry_after_ms);
    report_leader(e);
}

static int on_data(void *arg, const char *data, size_t len, struct error *err)
{
    struct elector *e = arg;
    int rc = buf_append(&e->body, data, len);
    return rc < 0 ? error_set(err, rc, "a lease of more than %zu bytes", e->body.max) : 0;
}

static const struct kube_handler handler = {.on_data = on_data, .on_done = on_done};

/* --- requests */

static int write_body(struct elector *e, enum leadership_step step, struct buf *out, struct error *err)
{
    struct lease lease;
    bool exists;
    mutex_lock(&e->lock);
    leadership_spec(&e->l, step, clock_real_us(), &lease);
    exists = e->l.exists;
    mutex_unlock(&e->lock);
    return lease_write(e->lease_name, exists ? e->read.data : NULL, e->read.len, &lease, out, err);
}

static int begin(struct elector *e, enum leadership_step step, int64_t timeout_ms, struct error *err)
{
    static const char *const methods[] = {
        [LEADERSHIP_CREATE] = "POST", [LEADERSHIP_TAKE] = "PUT", [LEADERSHIP_RELEASE] = "PUT"};
    cleanup_buf struct buf body;
    buf_init(&body, LEASE_BYTES_MAX);
    bool writes = step != LEADERSHIP_READ;
    int rc = writes ? write_body(e, step, &body, err) : 0;
    if (rc < 0)
        return rc;
    e->target.verb = !writes ? "get" : step == LEADERSHIP_CREATE ? "create" : "update";
    const struct kube_call call = {.method = writes ? methods[step] : NULL,
                                   .path = step == LEADERSHIP_CREATE ? e->collection : e->path,
                                   .body = writes ? body.data : NULL,
                                   .target = &e->target,
                                   .timeout_ms = timeout_ms,
                                   .fresh = e->fresh};
    e->fresh = false;
    buf_reset(&e->body);
    e->sent_ms = clock_boot_ms();
    return kube_request_start(e->request, &call, err);
}

static enum leadership_standing standing_of(struct elector *e, int64_t boot_ms)
{
    if (e->resigning)
        return LEADERSHIP_RESIGN;
    enum leadership_standing standing = e->standing(e->arg);
    mutex_lock(&e->lock);
    int64_t failing_ms = e->node_failing_ms == 0 ? 0 : boot_ms - e->node_failing_ms;
    if (failing_ms >= e->l.rules.renew_ms)
        standing = LEADERSHIP_RESIGN;
    else if ((failing_ms > 0 || !e->node_took) && standing == LEADERSHIP_STAND)
        standing = LEADERSHIP_KEEP;
    mutex_unlock(&e->lock);
    return standing;
}

int64_t elector_run(struct elector *e, int64_t now_ms)
{
    struct error err = ERROR_INIT;
    int64_t boot_ms = clock_boot_ms();
    enum leadership_standing standing = standing_of(e, boot_ms);
    mutex_lock(&e->lock);
    int64_t timeout_ms = e->l.rules.renew_ms / tries;
    enum leadership_step step = leadership_next(&e->l, standing, boot_ms);
    mutex_unlock(&e->lock);
    report_leader(e);
    if (e->running == LEADERSHIP_WAIT && step != LEADERSHIP_WAIT) {
        e->running = step;
        if (begin(e, step, timeout_ms, &err) < 0) {
            e->running = LEADERSHIP_WAIT;
            fail(e, step, &err, 0);
        }
    }
    mutex_lock(&e->lock);
    int64_t wait_ms = e->running != LEADERSHIP_WAIT ? look_ms : e->l.due_ms - boot_ms;
    if (e->l.leading && wait_ms > look_ms)
        wait_ms = look_ms;
    mutex_unlock(&e->lock);
    return now_ms + (wait_ms > 0 ? wait_ms : 0);
}

/* --- its life */

struct elector *elector_new(struct kube_client *client, const struct elector_options *options)
{
    struct elector *e = xcalloc(1, sizeof(*e));
    e->namespace = xstrdup(options->namespace);
    e->lease_name = xstrdup(options->lease_name);
    e->collection = xasprintf("/apis/coordination.k8s.io/v1/namespaces/%s/leases", options->namespace);
    e->path = xasprintf("%s/%s", e->collection, options->lease_name);
    e->standing = options->standing;
    e->arg = options->arg;
    e->target = (struct kube_target){"get", "coordination.k8s.io", "leases", e->namespace, KUBE_LEASE_VERBS};
    e->request = kube_request_new(client, &handler, e);
    e->log_limit = (struct log_limit)LOG_LIMIT_INIT(1, log_again_ms);
    buf_init(&e->body, LEASE_BYTES_MAX);
    buf_init(&e->read, LEASE_BYTES_MAX);
    backoff_init(&e->backoff, options->rules.retry_ms, backoff_cap_ms);
    mutex_init(&e->lock);
    mutex_lock(&e->lock);
    leadership_init(&e->l, &options->rules);
    mutex_unlock(&e->lock);
    return e;
}

void elector_close(struct elector *e)
{
    kube_request_free(e->request);
    e->request = NULL;
    mutex_lock(&e->lock);
    e->l.leading = false;
    mutex_unlock(&e->lock);
}

void elector_free(struct elector *e)
{
    if (e == NULL)
        return;
    kube_request_free(e->request);
    buf_fini(&e->body);
    buf_fini(&e->read);
    mutex_fini(&e->lock);
    free(e->namespace);
    free(e->lease_name);
    free(e->collection);
    free(e->path);
    free(e);
}

void elector_set_identity(struct elector *e, const char *pod_name, const char *uid)
{
    cleanup_free char *identity = xasprintf("%s_%s", pod_name, uid);
    mutex_lock(&e->lock);
    if (strlen(identity) < sizeof(e->l.identity))
        memcpy(e->l.identity, identity, strlen(identity) + 1);
    mutex_unlock(&e->lock);
}

bool elector_has_identity(struct elector *e)
{
    mutex_lock(&e->lock);
    bool known = e->l.identity[0] != '\0';
    mutex_unlock(&e->lock);
    return known;
}

void elector_resign(struct elector *e)
{
    e->resigning = true;
}

bool elector_has_resigned(struct elector *e)
{
    mutex_lock(&e->lock);
    bool holds = e->l.leading || leadership_is_ours(&e->l);
    mutex_unlock(&e->lock);
    return !holds;
}

bool elector_take_change(struct elector *e)
{
    bool changed = e->changed;
    e->changed = false;
    return changed;
}

/* --- from any thread */

bool elector_leads(struct elector *e, uint64_t *ret_term)
{
    mutex_lock(&e->lock);
    bool leads = leadership_leads(&e->l, clock_boot_ms());
    if (leads)
        *ret_term = e->l.term;
    mutex_unlock(&e->lock);
    return leads;
}

int elector_check(struct elector *e, uint64_t term, struct error *err)
{
    mutex_lock(&e->lock);
    int64_t now_ms = clock_boot_ms();
    bool leads = leadership_leads(&e->l, now_ms) && e->l.term == term;
    int64_t age_ms = now_ms - e->l.renewed_ms;
    mutex_unlock(&e->lock);
    return leads ? 0
                 : error_set(err, -ECANCELED, "not leading any more: the own lease was renewed %lld ms ago",
                             (long long)age_ms);
}

void elector_report_node(struct elector *e, bool took)
{
    mutex_lock(&e->lock);
    e->node_took = e->node_took || took;
    if (took)
        e->node_failing_ms = 0;
    else if (e->node_failing_ms == 0)
        e->node_failing_ms = clock_boot_ms();
    mutex_unlock(&e->lock);
}

void elector_get_leader_uid(struct elector *e, char ret_uid[static LEASE_HOLDER_MAX + 1])
{
    ret_uid[0] = '\0';
    mutex_lock(&e->lock);
    const char *mark = leadership_is_held(&e->l, clock_boot_ms()) ? strrchr(e->l.record.holder, '_') : NULL;
    if (mark != NULL)
        memcpy(ret_uid, mark + 1, strlen(mark + 1) + 1);
    mutex_unlock(&e->lock);
}

void elector_get_stats(struct elector *e, struct elector_stats *ret_stats)
{
    mutex_lock(&e->lock);
    const struct leadership *l = &e->l;
    int64_t now_ms = clock_boot_ms();
    *ret_stats = e->stats;
    ret_stats->leading = leadership_leads(l, now_ms);
    ret_stats->held = leadership_is_held(l, now_ms);
    ret_stats->terms = l->term;
    ret_stats->transitions = l->exists ? l->record.transitions : 0;
    ret_stats->renewed_age_ms = l->term > 0 ? now_ms - l->renewed_ms : -1;
    ret_stats->seen_age_ms = l->known ? now_ms - l->seen_ms : -1;
    memcpy(ret_stats->identity, l->identity, sizeof(ret_stats->identity));
    memcpy(ret_stats->holder, l->record.holder, sizeof(ret_stats->holder));
    mutex_unlock(&e->lock);
}

#include "daemon/jobs/stamp.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/cluster/module_tie.h"
#include "daemon/jobs/job_table.h"
#include "daemon/jobs/stamp_dry_run.h"
#include "daemon/jobs/stamp_module.h"
#include "daemon/jobs/stamp_peers.h"
#include "daemon/jobs/stamp_ties.h"
#include "daemon/proxysql/admin_cluster.h"
#include "daemon/proxysql/capability.h"
#include "shared/buf.h"
#include "shared/clock.h"
#include "shared/mem.h"

enum { doubt_look_ms = 200 };

struct stamp_state {
    struct mutex lock;
    struct stamp_stats stats GUARDED;
    /* what follows is used by one stamp job at a time */
    struct stamp_record record; /* of the life that is known */
    bool known;
    bool careful;     /* what an earlier agent did in this life is not known, or cannot be kept for the next one */
    uint64_t life;    /* of health_snapshot.lives */
    int64_t began_ms; /* when this life was first looked at, monotonic */
    int64_t doubt_ms; /* since when this may be another life than the one that is known; 0 = no doubt */
    struct stamp_ties ties;
};

/* One run: what its steps share. */
struct pass {
    struct publisher to;
    struct job_context *context;
    struct stamp_state *state;
    const char *path; /* of the record */
};

struct stamp_state *stamp_state_new(void)
{
    struct stamp_state *s = xcalloc(1, sizeof(*s));
    mutex_init(&s->lock);
    stamp_ties_init(&s->ties);
    json_object_seed(0); /* not thread-safe later */
    return s;
}

void stamp_state_free(struct stamp_state *state)
{
    if (state != NULL)
        mutex_fini(&state->lock);
    free(state);
}

void stamp_get_stats(struct stamp_state *state, struct stamp_stats *ret_stats)
{
    mutex_lock(&state->lock);
    *ret_stats = state->stats;
    mutex_unlock(&state->lock);
}

static void show_record(struct stamp_state *s)
{
    mutex_lock(&s->lock);
    s->stats.known = s->known;
    for (size_t i = 0; i < ADMIN_MODULES; i++)
        s->stats.modules[i] = s->record.modules[i];
    mutex_unlock(&s->lock);
}

static void count(struct stamp_state *s, uint64_t loads, uint64_t repeated, uint64_t failures)
{
    mutex_lock(&s->lock);
    s->stats.loads += loads;
    s->stats.repeated += repeated;
    s->stats.failures += failures;
    mutex_unlock(&s->lock);
}

/* What cannot be kept is not known by an agent that comes later: it must find only modules that it may leave alone. */
static void keep(struct pass *p)
{
    struct error err = ERROR_INIT;
    show_record(p->state);
    if (stamp_record_write(p->path, &p->state->record, &err) == 0)
        return;
    if (!p->state->careful)
        log_warn(
            "what was stamped cannot be written down, so only modules that nobody has loaded since ProxySQL started "
            "are stamped; the folder of shutdown.draining_file must be writable and outlive the agent",
            LOG_STR("error", err.text));
    p->state->careful = true;
}

static void begin_record(struct pass *p, const char *boot_id, int64_t boot_ms)
{
    stamp_record_begin(&p->state->record, boot_id, boot_ms);
    keep(p);
}

static void read_record(struct pass *p, const char *boot_id, int64_t boot_ms)
{
    struct stamp_state *s = p->state;
    struct error err = ERROR_INIT;
    int rc = stamp_record_read(p->path, &s->record, &err);
    if (rc == 0 && stamp_record_is_of(&s->record, boot_id, boot_ms)) {
        show_record(s);
        return;
    }
    if (rc < 0 && rc != -ENOENT) {
        log_warn("the record of what was stamped cannot be read, so only modules that nobody has loaded since ProxySQL "
                 "started are stamped",
                 LOG_STR("error", err.text));
        s->careful = true;
    }
    begin_record(p, boot_id, boot_ms);
}

static void begin_life(struct pass *p, const struct health_snapshot *health)
{
    struct stamp_state *s = p->state;
    char boot_id[STAMP_BOOT_ID_SIZE];
    if (s->known && s->life == health->lives)
        return;
    s->known = true;
    s->careful = false;
    s->doubt_ms = 0;
    s->life = health->lives;
    s->began_ms = clock_mono_ms();
    stamp_ties_begin(&s->ties, s->began_ms);
    stamp_read_boot_id(boot_id);
    read_record(p, boot_id, health->boot_ms);
}

static int borrow(struct pass *p, struct error *err)
{
    return db_pool_get(p->context->pool, DB_LANE_WRITE, publisher_deadline_ms(&p->to), &p->to.conn, err);
}

static void give_back(struct pass *p)
{
    db_pool_put(p->context->pool, p->to.conn);
    p->to.conn = NULL;
}

static int read_modules(struct pass *p, struct cluster_view *ret_view, struct error *err)
{
    int rc = borrow(p, err);
    if (rc == 0)
        rc = admin_read_modules(p->to.conn, publisher_deadline_ms(&p->to), ret_view, err);
    give_back(p);
    return rc;
}

static bool was_loaded(const struct cluster_view *view, size_t module)
{
    const struct module_state *own = admin_module_own(view, (enum admin_module)module);
    return own != NULL && own->version > 1;
}

/* A life that began within the tolerance of the one before is told by its versions, which start at 1 again. */
static bool is_other_life(const struct stamp_record *record, const struct cluster_view *view)
{
    for (size_t i = 0; i < ADMIN_MODULES; i++)
        if (record->modules[i].outcome == STAMP_DONE && !was_loaded(view, i))
            return true;
    return false;
}

/* Most often another life is one that health has not noticed yet: what is stamped now would be stamped again then. So
 * it is asked first, and if it says that this is the same life it began within the tolerance. */
static int check_life(struct pass *p, const struct health_snapshot *health, const struct cluster_view *view,
                      struct error *err)
{
    struct stamp_state *s = p->state;
    char boot_id[STAMP_BOOT_ID_SIZE];
    if (!is_other_life(&s->record, view)) {
        s->doubt_ms = 0;
        return 0;
    }
    if (s->doubt_ms == 0 || health->node_at_ms <= s->doubt_ms) {
        s->doubt_ms = s->doubt_ms == 0 ? clock_mono_ms() : s->doubt_ms;
        scheduler_hasten(p->context->scheduler, JOB_HEALTH);
        job_again_in(p->to.job, doubt_look_ms);
        return error_set(err, -EAGAIN, "perhaps this is a new life of ProxySQL");
    }
    s->doubt_ms = 0;
    stamp_read_boot_id(boot_id);
    begin_record(p, boot_id, health->boot_ms);
    return 0;
}

static void check_record(struct pass *p, const struct cluster_view *view)
{
    struct stamp_state *s = p->state;
    bool changed = false;
    for (size_t i = 0; s->careful && i < ADMIN_MODULES; i++) {
        if (s->record.modules[i].outcome != STAMP_WAITING || !was_loaded(view, i))
            continue;
        s->record.modules[i].outcome = STAMP_LEFT_ALONE;
        log_warn("a module is not stamped: it was loaded since ProxySQL started, perhaps by an earlier agent",
                 LOG_STR("module", admin_module_name((enum admin_module)i)));
        changed = true;
    }
    if (changed)
        keep(p);
}

static bool has(const struct stamp_record *record, enum stamp_outcome outcome)
{
    for (size_t i = 0; i < ADMIN_MODULES; i++)
        if (record->modules[i].outcome == outcome)
            return true;
    return false;
}

/* core.config_authority = cluster: what a peer has loaded comes from it. */
static int follow_peers(struct pass *p, struct error *err)
{
    struct stamp_state *s = p->state;
    bool loaded[ADMIN_MODULES] = {false};
    if (p->to.config->core.config_authority != CONFIG_AUTHORITY_CLUSTER || !has(&s->record, STAMP_WAITING))
        return 0;
    int rc = borrow(p, err);
    if (rc == 0)
        rc = stamp_ask_peers(&p->to, p->context, s->began_ms, loaded, err);
    give_back(p);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < ADMIN_MODULES; i++) {
        if (!loaded[i] || s->record.modules[i].outcome != STAMP_WAITING)
            continue;
        s->record.modules[i].outcome = STAMP_FOLLOWS;
        log_info("a module is left to cluster sync: a core has loaded it (core.config_authority is cluster)",
                 LOG_STR("module", admin_module_name((enum admin_module)i)));
    }
    keep(p);
    return 0;
}

static void note(void *arg, enum admin_module module, const struct stamp_module *now)
{
    struct pass *p = arg;
    (void)module;
    if (now->outcome == STAMP_DONE) {
        count(p->state, 1, 0, 0);
        stamp_ties_loaded(&p->state->ties, clock_mono_ms());
    }
    keep(p);
}

static struct stamp_step step_of(struct pass *p, size_t module)
{
    return (struct stamp_step){.to = &p->to,
                               .module = (enum admin_module)module,
                               .state = &p->state->record.modules[module],
                               .note = note,
                               .arg = p};
}

static bool is_to_be_stamped(const struct stamp_module *m)
{
    return m->outcome == STAMP_WAITING || m->outcome == STAMP_BEGUN || m->outcome == STAMP_LOADING;
}

/* Others write between two modules. A module that fails keeps no other one from being stamped. */
static int stamp_modules(struct pass *p, const char *why, struct error *err)
{
    int first = 0;
    for (size_t i = 0; i < ADMIN_MODULES; i++) {
        struct error failure = ERROR_INIT;
        const struct stamp_step step = step_of(p, i);
        if (!is_to_be_stamped(step.state))
            continue;
        int rc = borrow(p, err);
        if (rc < 0)
            return rc;
        rc = stamp_module_run(&step, why, &failure);
        give_back(p);
        if (rc == 0)
            continue;
        (void)error_set(err, rc, "%s", failure.text);
        if (rc == -ECANCELED)
            return rc;
        count(p->state, 0, 0, 1);
        first = first == 0 ? rc : first;
    }
    return first;
}

static int end_tie(struct pass *p, const struct cluster_view *view, size_t module, struct error *err)
{
    const struct stamp_step step = step_of(p, module);
    const struct module_state *own = admin_module_own(view, step.module);
    bool tied = step.state->outcome == STAMP_DONE && own != NULL && module_tied(view, own);
    if (!stamp_ties_judge(&p->state->ties, step.module, tied, clock_mono_ms()))
        return 0;
    int rc = stamp_module_load_again(&step, err);
    if (rc == 0)
        count(p->state, 1, 1, 0);
    return rc;
}

static int settle(struct pass *p, const struct health_snapshot *health, struct error *err)
{
    struct capability capability = {0};
    cleanup_view struct cluster_view view = {0};
    bool unsafe = capability_parse(health->node.version, &capability) == 0 && capability.checksums_unsafe;
    if (unsafe || !stamp_ties_looks(&p->state->ties, clock_mono_ms()) || !has(&p->state->record, STAMP_DONE))
        return 0;
    int rc = borrow(p, err);
    if (rc == 0)
        rc = admin_read_cluster(p->to.conn, false, publisher_deadline_ms(&p->to), &view, err);
    for (size_t i = 0; rc == 0 && i < ADMIN_MODULES; i++)
        rc = end_tie(p, &view, i, err);
    give_back(p);
    job_again_in(p->to.job, stamp_ties_next_ms(&p->state->ties, clock_mono_ms()));
    return rc;
}

/* Whoever asks for it gets all modules, also those that were left alone or to the cluster. */
static void begin_again(struct pass *p)
{
    for (size_t i = 0; i < ADMIN_MODULES; i++)
        if (!is_to_be_stamped(&p->state->record.modules[i]))
            p->state->record.modules[i] = (struct stamp_module){.outcome = STAMP_WAITING, .rows = -1};
    keep(p);
}

/* Append "; WORDS: MODULE, MODULE" of the modules with this outcome, if there are any. */
static void append_outcome(const struct pass *p, enum stamp_outcome outcome, const char *words, struct buf *text)
{
    const char *before = text->len == 0 ? "" : "; ";
    for (size_t i = 0; i < ADMIN_MODULES; i++) {
        if (p->state->record.modules[i].outcome != outcome)
            continue;
        const char *name = admin_module_name((enum admin_module)i);
        int rc = words != NULL ? buf_printf(text, "%s%s: %s", before, words, name) : buf_printf(text, ", %s", name);
        (void)rc; /* beyond a summary's size it would be cut anyway */
        words = NULL;
    }
}

/* "loaded: ADMIN VARIABLES, MYSQL SERVERS; left alone: MYSQL USERS" */
static void summarize(struct pass *p)
{
    cleanup_buf struct buf text;
    buf_init(&text, JOB_SUMMARY_SIZE);
    append_outcome(p, STAMP_DONE, "loaded", &text);
    append_outcome(p, STAMP_FOLLOWS, "left to the cluster", &text);
    append_outcome(p, STAMP_LEFT_ALONE, "left alone", &text);
    append_outcome(p, STAMP_WAITING, "not loaded yet", &text);
    append_outcome(p, STAMP_BEGUN, "begun, not loaded", &text);
    append_outcome(p, STAMP_LOADING, "perhaps loaded", &text);
    job_set_summary(p->to.job, "%s", text.data);
}

static int run_pass(struct pass *p, const struct health_snapshot *health, bool again, struct error *err)
{
    cleanup_view struct cluster_view view = {0};
    begin_life(p, health);
    int rc = read_modules(p, &view, err);
    if (rc < 0)
        return rc;
    rc = check_life(p, health, &view, err);
    if (rc < 0)
        return rc;
    if (again)
        begin_again(p);
    else
        check_record(p, &view);
    if (!again)
        rc = follow_peers(p, err);
    if (rc == 0)
        rc = stamp_modules(p, again ? "it was asked for" : "a new life of ProxySQL", err);
    summarize(p);
    int settled = rc == -ECANCELED ? 0 : settle(p, health, err);
    return rc < 0 ? rc : settled;
}

static void report(struct stamp_state *s, int rc, const struct error *err)
{
    static struct log_limit limit = LOG_LIMIT_INIT(5, 60 * 1000);
    uint64_t suppressed = 0;
    if (rc == -ECANCELED || rc == -EAGAIN)
        return;
    mutex_lock(&s->lock);
    (void)snprintf(s->stats.error, sizeof(s->stats.error), "%s", rc < 0 ? err->text : "");
    mutex_unlock(&s->lock);
    if (rc < 0 && log_limit_pass(&limit, &suppressed))
        log_warn("stamp failed; it is tried again with back-off", LOG_STR("error", err->text),
                 LOG_INT("not_logged", suppressed));
}

int stamp_run(struct job *job, void *context, struct error *err)
{
    struct job_context *c = context;
    const struct stamp_request *request = job_params(job);
    struct health_snapshot health;
    health_state_get(c->health, &health);
    if (health.admin != ADMIN_ANSWERS || health.node_at_ms == 0)
        return error_set(err, -EAGAIN, "stamp: ProxySQL does not answer");
    cleanup_free char *path = xasprintf("%s.stamp", c->config->shutdown.draining_file);
    struct pass p = {.to = {.job = job, .config = c->config}, .context = c, .state = c->stamp, .path = path};
    if (request != NULL && request->dry_run) {
        int rc = borrow(&p, err);
        if (rc == 0)
            rc = stamp_dry_run(&p.to, err);
        give_back(&p);
        return rc;
    }
    int rc = run_pass(&p, &health, request != NULL && request->again, err);
    report(c->stamp, rc, err);
    return rc;
}

#include "daemon/discovery/pod_watch.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/discovery/kube_client.h"
#include "daemon/discovery/kube_name.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/thread.h"

enum {
    wait_max_ms = 60 * 1000,
    give_up_ms = 100, /* for the lease, at the end */
};

struct pod_watch {
    struct member_source members;
    struct own_pod own;
    _Atomic int64_t confirm_ms;
    pod_watch_change_fn *on_change;
    void *arg;
    struct kube_client *client; /* NULL once the thread has ended */
    struct pod_stream *core;
    struct pod_stream *others;
    struct elector *elector; /* NULL: no election */
    pthread_t thread;

    struct mutex lock; /* of what follows */
    struct cond listed;
    bool stopping GUARDED;
    int64_t wanted_ms GUARDED;   /* the core pods must be listed at this time or later */
    unsigned confirming GUARDED; /* calls of pod_watch_confirm() that wait */
};

/* --- the thread */

static bool take_orders(struct pod_watch *w, int64_t *ret_wanted_ms)
{
    mutex_lock(&w->lock);
    bool stopping = w->stopping;
    *ret_wanted_ms = w->wanted_ms;
    w->wanted_ms = 0;
    mutex_unlock(&w->lock);
    return !stopping;
}

/* Once the own pod is there: its uid is who we are. */
static void tell_identity(struct pod_watch *w)
{
    if (elector_has_identity(w->elector))
        return;
    struct pod_view *view = pod_watch_snapshot(w);
    for (size_t i = 0; i < view->count; i++) {
        if (view->pods[i].own && view->pods[i].is_core)
            elector_set_identity(w->elector, view->pods[i].name, view->pods[i].uid);
    }
    pod_view_free(view);
}

static void report(struct pod_watch *w)
{
    unsigned core = pod_mirror_take_changes(pod_stream_mirror(w->core));
    unsigned others = pod_mirror_take_changes(pod_stream_mirror(w->others));
    if ((core & POD_MIRROR_LISTED) != 0) {
        mutex_lock(&w->lock);
        cond_broadcast(&w->listed);
        mutex_unlock(&w->lock);
    }
    unsigned changes = ((core & POD_MIRROR_PODS) != 0 ? POD_WATCH_CORE : 0) |
                       ((others & POD_MIRROR_PODS) != 0 ? POD_WATCH_OTHER : 0) |
                       ((others & POD_MIRROR_RUNNING) != 0 ? POD_WATCH_OTHER_RUNNING : 0) |
                       (((core | others) & POD_MIRROR_STATE) != 0 ? POD_WATCH_STATE : 0);
    if (w->elector != NULL) {
        if ((core & POD_MIRROR_PODS) != 0)
            tell_identity(w);
        changes |= elector_take_change(w->elector) ? POD_WATCH_LEADER : 0;
    }
    if (changes != 0 && w->on_change != NULL)
        w->on_change(w->arg, changes);
}

/* Do what is due; returns how long the poll may wait. The other pods wait for the core pods. */
static int run_streams(struct pod_watch *w)
{
    struct pod_mirror_view core;
    int64_t now_ms = clock_mono_ms();
    int64_t due_ms = pod_stream_run(w->core, now_ms);
    pod_mirror_read(pod_stream_mirror(w->core), false, &core);
    if (core.complete) {
        int64_t others_ms = pod_stream_run(w->others, now_ms);
        due_ms = others_ms < due_ms ? others_ms : due_ms;
    }
    if (w->elector != NULL) {
        int64_t elector_ms = elector_run(w->elector, now_ms);
        due_ms = elector_ms < due_ms ? elector_ms : due_ms;
    }
    int64_t wait_ms = due_ms > now_ms ? due_ms - now_ms : 0;
    return wait_ms < wait_max_ms ? (int)wait_ms : wait_max_ms;
}

/* The connections belong to the thread; the streams can still be read. */
static void close_connections(struct pod_watch *w)
{
    pod_stream_close(w->core);
    pod_stream_close(w->others);
    if (w->elector != NULL)
        elector_close(w->elector);
    kube_client_free(w->client);
    w->client = NULL;
}

/* A clean stop: others need not wait until the lease runs out. */
static void give_up_lease(struct pod_watch *w)
{
    int64_t deadline_ms = clock_mono_ms() + give_up_ms;
    if (w->elector == NULL)
        return;
    elector_resign(w->elector);
    for (int left_ms; !elector_has_resigned(w->elector) && (left_ms = clock_left_ms(deadline_ms)) > 0;) {
        int64_t now_ms = clock_mono_ms();
        int64_t due_ms = elector_run(w->elector, now_ms) - now_ms;
        kube_client_poll(w->client, due_ms < left_ms ? (int)due_ms : left_ms);
    }
}

static void *thread_main(void *arg)
{
    struct pod_watch *w = arg;
    int64_t wanted_ms;
    while (take_orders(w, &wanted_ms)) {
        if (wanted_ms != 0)
            pod_stream_want_list(w->core, wanted_ms);
        int wait_ms = run_streams(w);
        report(w);
        kube_client_poll(w->client, wait_ms);
        report(w);
    }
    give_up_lease(w);
    close_connections(w);
    return NULL;
}

/* --- its life */

static int check_options(const struct pod_watch_options *o, struct error *err)
{
    if (!kube_is_dns_label(o->namespace))
        return error_set(err, -EINVAL, "core.podselector.namespace: \"%s\" is no namespace", o->namespace);
    if (!kube_is_label_value(o->app))
        return error_set(err, -EINVAL, "core.podselector.app: \"%s\" is no label's value", o->app);
    if (!kube_is_label_value(o->component))
        return error_set(err, -EINVAL, "core.podselector.component: \"%s\" is no label's value", o->component);
    return 0;
}

/* is_core false: the app's pods whose label component is another one, or absent. */
static struct pod_stream *make_stream(const struct pod_watch *w, const struct pod_watch_options *o, bool is_core)
{
    cleanup_free char *selector =
        xasprintf("app%%3D%s%%2Ccomponent%s%s", o->app, is_core ? "%3D" : "%21%3D", o->component);
    const struct pod_stream_options options = {
        .what = is_core ? "core pods" : "other pods",
        .namespace = o->namespace,
        .selector = selector,
        .is_core = is_core,
        .patience = o->patience != NULL ? *o->patience : pod_stream_usual_patience,
    };
    return pod_stream_new(w->client, &options);
}

static struct pod_view *look(void *arg, int64_t deadline_ms)
{
    (void)deadline_ms;
    return pod_watch_snapshot(arg);
}

static int confirm(void *arg, int64_t since_ms, int64_t deadline_ms, struct error *err)
{
    return pod_watch_confirm(arg, since_ms, deadline_ms, err);
}

static struct pod_watch *watch_new(const struct pod_watch_options *options, struct kube_client *client)
{
    struct pod_watch *w = xcalloc(1, sizeof(*w));
    atomic_init(&w->confirm_ms, options->confirm_ms);
    w->on_change = options->on_change;
    w->arg = options->arg;
    w->client = client;
    if (options->own != NULL)
        own_pod_copy(&w->own, options->own);
    else
        own_pod_detect(&w->own);
    w->members = (struct member_source){
        .name = "kubernetes",
        .knows_pods = true,
        .own_missing = "the pod of this agent is not among the core pods that core.podselector selects: namespace, app "
                       "or component is wrong, or POD_NAME and POD_IP are",
        .arg = w,
        .look = look,
        .confirm = confirm,
    };
    w->core = make_stream(w, options, true);
    w->others = make_stream(w, options, false);
    if (options->election != NULL) {
        struct elector_options election = *options->election;
        election.namespace = options->namespace;
        w->elector = elector_new(client, &election);
    }
    mutex_init(&w->lock);
    cond_init(&w->listed);
    return w;
}

int pod_watch_start(struct pod_watch **ret_watch, const struct pod_watch_options *options, struct error *err)
{
    struct kube_client *client;
    const struct kube_client_options client_options = {
        .api_server = options->api_server, .token_file = options->token_file, .ca_file = options->ca_file};
    int rc = check_options(options, err);
    if (rc == 0)
        rc = kube_client_new(&client, &client_options, err);
    if (rc < 0)
        return error_wrap(err, "watch pods");
    json_object_seed(0); /* not thread-safe later */
    struct pod_watch *w = watch_new(options, client);
    log_info("watching pods", LOG_STR("api_server", kube_client_url(client)), LOG_STR("namespace", options->namespace),
             LOG_STR("app", options->app), LOG_STR("component", options->component));
    rc = thread_start(&w->thread, "pod-watch", thread_main, w, err);
    if (rc < 0) {
        pod_watch_free(w);
        return rc;
    }
    *ret_watch = w;
    return 0;
}

void pod_watch_stop(struct pod_watch *w)
{
    mutex_lock(&w->lock);
    w->stopping = true;
    kube_client_wakeup(w->client);
    cond_broadcast(&w->listed);
    mutex_unlock(&w->lock);
    thread_join(w->thread);
}

void pod_watch_free(struct pod_watch *w)
{
    if (w == NULL)
        return;
    mutex_lock(&w->lock);
    assert(w->confirming == 0);
    mutex_unlock(&w->lock);
    close_connections(w);
    pod_stream_free(w->core);
    pod_stream_free(w->others);
    elector_free(w->elector);
    own_pod_fini(&w->own);
    cond_fini(&w->listed);
    mutex_fini(&w->lock);
    free(w);
}

/* --- what others ask */

/* The core pods, then the others; one that is moving from here to there is taken as a core pod. */
static void merge(struct pod_view *view, struct pod_mirror_view *core, struct pod_mirror_view *others)
{
    view->pods = xcalloc(core->count + others->count + 1, sizeof(*view->pods));
    for (size_t i = 0; i < core->count; i++)
        view->pods[view->count++] = core->pods[i];
    size_t at = 0;
    for (size_t i = 0; i < others->count; i++) {
        while (at < core->count && strcmp(core->pods[at].uid, others->pods[i].uid) < 0)
            at++;
        if (at == core->count || strcmp(core->pods[at].uid, others->pods[i].uid) != 0)
            view->pods[view->count++] = others->pods[i];
    }
    view->texts[0] = core->texts;
    view->texts[1] = others->texts;
    free(core->pods);
    free(others->pods);
}

struct pod_view *pod_watch_snapshot(struct pod_watch *w)
{
    struct pod_mirror_view core;
    struct pod_mirror_view others;
    pod_mirror_read(pod_stream_mirror(w->core), true, &core);
    pod_mirror_read(pod_stream_mirror(w->others), true, &others);
    int64_t now_ms = clock_mono_ms();
    struct pod_view *view = xcalloc(1, sizeof(*view));
    view->complete = core.complete;
    view->others_complete = others.complete;
    view->confirmed_ms = core.watched ? now_ms : core.confirmed_ms;
    view->age_ms = view->confirmed_ms == 0 ? -1 : now_ms - view->confirmed_ms;
    view->confirmed = view->age_ms >= 0 && view->age_ms <= atomic_load_explicit(&w->confirm_ms, memory_order_relaxed);
    view->listed_ms = core.listed_ms;
    view->core_version = core.version;
    view->version = core.version + others.version;
    merge(view, &core, &others);
    own_pod_mark(&w->own, view->pods, view->count);
    return view;
}

void pod_watch_set_confirm_ms(struct pod_watch *w, int64_t confirm_ms)
{
    atomic_store_explicit(&w->confirm_ms, confirm_ms, memory_order_relaxed);
}

static int list_error(struct pod_watch *w, int code, struct error *err)
{
    struct pod_mirror_stats stats;
    pod_mirror_get_stats(pod_stream_mirror(w->core), &stats);
    return error_set(err, code, "core pods: %s", stats.error[0] != '\0' ? stats.error : "no answer in time");
}

/* 1: not yet. */
static int judge_list(struct pod_watch *w, int64_t since_ms, int64_t asked_ms, struct error *err)
{
    struct pod_mirror_view core;
    pod_mirror_read(pod_stream_mirror(w->core), false, &core);
    if (core.listed_ms >= since_ms && core.complete)
        return 0;
    return core.list_failed_ms >= asked_ms ? list_error(w, -EIO, err) : 1;
}

static int wait_for_list(struct pod_watch *w, int64_t since_ms, int64_t deadline_ms, struct error *err)
    REQUIRES(&w->lock)
{
    int64_t asked_ms = clock_mono_ms();
    int rc = w->stopping ? 1 : judge_list(w, since_ms, asked_ms, err);
    if (rc == 1 && !w->stopping) {
        w->wanted_ms = since_ms > w->wanted_ms ? since_ms : w->wanted_ms;
        kube_client_wakeup(w->client);
    }
    while (rc == 1 && !w->stopping) {
        bool in_time = cond_wait_until(&w->listed, &w->lock, deadline_ms);
        rc = judge_list(w, since_ms, asked_ms, err);
        if (rc == 1 && !in_time)
            return list_error(w, -ETIMEDOUT, err);
    }
    return rc == 1 ? error_set(err, -ECANCELED, "the watch of pods has been stopped") : rc;
}

int pod_watch_confirm(struct pod_watch *w, int64_t since_ms, int64_t deadline_ms, struct error *err)
{
    int64_t now_ms = clock_mono_ms();
    mutex_lock(&w->lock);
    w->confirming++;
    int rc = wait_for_list(w, since_ms < now_ms ? since_ms : now_ms, deadline_ms, err);
    w->confirming--;
    mutex_unlock(&w->lock);
    return rc;
}

const struct member_source *pod_watch_members(const struct pod_watch *w)
{
    return &w->members;
}

struct elector *pod_watch_elector(const struct pod_watch *w)
{
    return w->elector;
}

void pod_watch_get_stats(struct pod_watch *w, struct pod_watch_stats *ret_stats)
{
    pod_mirror_get_stats(pod_stream_mirror(w->core), &ret_stats->core);
    pod_mirror_get_stats(pod_stream_mirror(w->others), &ret_stats->others);
}

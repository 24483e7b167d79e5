#include "daemon/discovery/pod_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/discovery/json_split.h"
#include "daemon/discovery/pod_json.h"
#include "daemon/discovery/pod_query.h"
#include "daemon/discovery/pod_stream_log.h"
#include "shared/backoff.h"
#include "shared/buf.h"
#include "shared/clock.h"
#include "shared/mem.h"

/*
 * list_and_watch_note: a list without a resourceVersion is never older than what was seen before; a watch from the
 * list's resourceVersion repeats nothing and leaves nothing out. So a view is only ever replaced as a whole, by a list
 * that came to its end while no watch was open, or moved on by the events that follow it in order.
 */
enum {
    pages_max = 1000,
    backoff_base_ms = 250,
    backoff_cap_ms = 20 * 1000,
    settled_ms = 1000, /* a watch that lived so long did not fail at once */
};

const struct pod_stream_patience pod_stream_usual_patience = {
    .list_ms = 15 * 1000, .open_ms = 10 * 1000, .silent_ms = 120 * 1000, .watch_s = 300, .slack_ms = 10 * 1000};

struct pod_stream {
    bool is_core;
    char *selector;
    struct pod_query query;
    struct kube_target list_target;
    struct kube_target watch_target;
    char *namespace;
    struct pod_stream_patience patience;
    struct kube_request *request;
    struct json_split split;
    struct backoff backoff;
    enum pod_mirror_state state;
    int64_t due_ms; /* WAITING: when to go on; OPENING, WATCHING: when patience ends; LISTING: never */
    bool must_list; /* there is nothing to watch from */
    bool fresh;     /* the next request gets a connection of its own */
    unsigned expired_in_row;
    int64_t wanted_ms; /* see pod_stream_want_list() */
    char resource_version[KUBE_VERSION_MAX + 1];
    struct { /* the list that runs */
        int64_t began_ms;
        unsigned pages;
        struct pod_store pods;
    } list;
    struct { /* the watch that runs */
        int64_t opened_ms;
        int64_t timeout_s;
        bool proven;          /* an event or a bookmark came: the resourceVersion is one the server knows */
        bool bookmarked;      /* they come, so silence means something */
        struct error expired; /* code -ESTALE: ended by 410 */
    } watch;
    struct pod_mirror *mirror;
    struct pod_stream_log log;
};

/* The one place where the state changes. */
static void enter(struct pod_stream *s, enum pod_mirror_state state, int64_t due_ms)
{
    s->state = state;
    s->due_ms = due_ms;
    pod_mirror_set_state(s->mirror, state, due_ms);
}

/* --- failures */

/* The request that ran has failed: wait, and longer each time. */
static void fail(struct pod_stream *s, struct error *err, int64_t retry_after_ms)
{
    int64_t now_ms = clock_mono_ms();
    int64_t delay_ms = backoff_next_ms(&s->backoff);
    if (delay_ms < retry_after_ms)
        delay_ms = retry_after_ms + backoff_jitter_ms(&s->backoff, retry_after_ms / 4);
    (void)error_wrap(err, "%s", s->state == POD_MIRROR_LISTING ? "list" : "watch");
    s->fresh = true;
    pod_mirror_fail(s->mirror, err, now_ms);
    pod_stream_log_failure(&s->log, err->text, delay_ms);
    enter(s, POD_MIRROR_WAITING, now_ms + delay_ms);
}

/* The resourceVersion or the continue token is too old: list anew, the first time at once. */
static void expire(struct pod_stream *s)
{
    int64_t delay_ms = s->expired_in_row == 0 ? 0 : backoff_next_ms(&s->backoff);
    s->expired_in_row++;
    s->must_list = true;
    pod_mirror_count(s->mirror, POD_MIRROR_EXPIRED);
    pod_stream_log_expired(&s->log);
    enter(s, POD_MIRROR_WAITING, clock_mono_ms() + delay_ms);
}

static void skip_pod(struct pod_stream *s, const struct pod_parsed *pod)
{
    pod_mirror_count(s->mirror, POD_MIRROR_SKIPPED);
    pod_stream_log_skipped(&s->log, pod);
}

/* --- requests */

static int begin(struct pod_stream *s, const struct buf *path, const struct kube_target *target, int64_t timeout_ms,
                 struct error *err)
{
    bool fresh = s->fresh;
    s->fresh = false;
    const struct kube_call call = {.path = path->data, .target = target, .timeout_ms = timeout_ms, .fresh = fresh};
    return kube_request_start(s->request, &call, err);
}

static int begin_page(struct pod_stream *s, const char *next, struct error *err)
{
    cleanup_buf struct buf path;
    buf_init(&path, BUF_MAX);
    int rc = pod_query_list(&s->query, next, &path);
    if (rc < 0)
        return error_set(err, rc, "out of memory");
    json_split_reset(&s->split, JSON_SPLIT_LIST);
    return begin(s, &path, &s->list_target, s->patience.list_ms, err);
}

static void list_failed(struct pod_stream *s, struct error *err, int64_t retry_after_ms)
{
    pod_store_fini(&s->list.pods);
    pod_mirror_list_failed(s->mirror, s->list.began_ms);
    fail(s, err, retry_after_ms);
}

static void begin_list(struct pod_stream *s, int64_t now_ms)
{
    struct error err = ERROR_INIT;
    s->wanted_ms = 0;
    s->list.began_ms = now_ms;
    s->list.pages = 1;
    enter(s, POD_MIRROR_LISTING, INT64_MAX);
    if (begin_page(s, "", &err) < 0)
        list_failed(s, &err, 0);
}

static void begin_watch(struct pod_stream *s, int64_t now_ms)
{
    struct error err = ERROR_INIT;
    cleanup_buf struct buf path;
    buf_init(&path, BUF_MAX);
    memset(&s->watch, 0, sizeof(s->watch));
    s->watch.timeout_s = s->patience.watch_s + backoff_jitter_ms(&s->backoff, s->patience.watch_s);
    json_split_reset(&s->split, JSON_SPLIT_STREAM);
    enter(s, POD_MIRROR_OPENING, now_ms + s->patience.open_ms);
    int rc = pod_query_watch(&s->query, s->resource_version, s->watch.timeout_s, &path);
    rc = rc < 0 ? error_set(&err, rc, "out of memory") : begin(s, &path, &s->watch_target, 0, &err);
    if (rc < 0)
        fail(s, &err, 0);
}

/* --- a list */

static int on_item(struct pod_stream *s, const char *text, size_t len, struct error *err)
{
    struct pod_parsed pod;
    unsigned changes;
    int rc = pod_parse_item(text, len, s->is_core, &pod, err);
    if (rc < 0)
        return rc;
    if (pod.record == NULL) {
        skip_pod(s, &pod);
        return 0;
    }
    return pod_store_put(&s->list.pods, pod.record, s->list.began_ms, &changes, err);
}

static void list_ended(struct pod_stream *s)
{
    size_t pods = s->list.pods.count;
    bool first = pod_mirror_replace(s->mirror, &s->list.pods, s->list.began_ms);
    s->must_list = false;
    if (first)
        pod_stream_log_listed(&s->log, pods, clock_mono_ms() - s->list.began_ms);
}

/* A page has come to its end: the next one, or the watch. */
static void page_done(struct pod_stream *s, struct error *err)
{
    struct pod_list_head *head = xcalloc(1, sizeof(*head));
    int rc = 0;
    if (!json_split_at_end(&s->split))
        rc = error_set(err, -EBADMSG, "the answer is cut");
    if (rc == 0)
        rc = pod_parse_list_head(s->split.envelope.data, s->split.envelope.len, head, err);
    if (rc == 0 && head->next[0] != '\0') {
        if (++s->list.pages > pages_max)
            rc = error_set(err, -EMSGSIZE, "more than %d pages", pages_max);
        else
            rc = begin_page(s, head->next, err);
    } else if (rc == 0) {
        memcpy(s->resource_version, head->resource_version, sizeof(s->resource_version));
        list_ended(s);
        begin_watch(s, clock_mono_ms());
    }
    free(head);
    if (rc < 0)
        list_failed(s, err, 0);
}

/* --- a watch */

static void expect_more(struct pod_stream *s, int64_t now_ms)
{
    int64_t end_ms = s->watch.opened_ms + s->watch.timeout_s * 1000 + s->patience.slack_ms;
    int64_t silent_ms = now_ms + s->patience.silent_ms;
    s->due_ms = s->watch.bookmarked && silent_ms < end_ms ? silent_ms : end_ms;
}

static void prove(struct pod_stream *s)
{
    s->watch.proven = true;
    s->expired_in_row = 0;
    backoff_reset(&s->backoff);
}

static int apply(struct pod_stream *s, struct pod_event *event, struct error *err)
{
    if (event->type == POD_EVENT_PUT && event->pod.record != NULL)
        return pod_mirror_put(s->mirror, event->pod.record, err);
    if (event->type == POD_EVENT_PUT)
        skip_pod(s, &event->pod);
    pod_mirror_remove(s->mirror, event->pod.uid);
    free(event->pod.record);
    return 0;
}

static int watch_error(struct pod_stream *s, const struct pod_event *event, struct error *err)
{
    if (event->code == 410)
        (void)error_set(&s->watch.expired, -ESTALE, "410");
    return error_set(err, event->code == 410 ? -ESTALE : -EIO, "%d: %s", event->code, event->message);
}

static int on_event(struct pod_stream *s, const char *text, size_t len, struct error *err)
{
    struct pod_event event;
    int rc = pod_parse_event(text, len, s->is_core, &event, err);
    if (rc < 0 || event.type == POD_EVENT_OTHER)
        return rc;
    if (event.type == POD_EVENT_ERROR)
        return watch_error(s, &event, err);
    if (event.type == POD_EVENT_BOOKMARK) {
        s->watch.bookmarked = true;
        pod_mirror_count(s->mirror, POD_MIRROR_BOOKMARK);
    } else {
        rc = apply(s, &event, err);
    }
    if (rc == 0 && event.resource_version[0] != '\0')
        memcpy(s->resource_version, event.resource_version, sizeof(s->resource_version));
    prove(s);
    return rc;
}

/* The watch has ended as it should, or was cut: go on from the last event. */
static void watch_ended(struct pod_stream *s, struct error *err)
{
    int64_t now_ms = clock_mono_ms();
    if (!json_split_at_end(&s->split)) {
        (void)error_set(err, -ECONNRESET, "cut in the middle of an event");
        fail(s, err, 0);
        return;
    }
    if (now_ms - s->watch.opened_ms < settled_ms && !s->watch.proven) {
        (void)error_set(err, -ECONNRESET, "ended at once");
        fail(s, err, 0);
        return;
    }
    pod_mirror_confirm(s->mirror, now_ms);
    if (!s->watch.proven)
        s->must_list = true; /* silence: the server may not know our resourceVersion at all (etcd restored) */
    enter(s, POD_MIRROR_WAITING, now_ms);
}

static void watch_done(struct pod_stream *s, const struct kube_answer *answer, struct error *err)
{
    if (answer->status == 410 || s->watch.expired.code != 0) {
        expire(s);
        return;
    }
    if (err->code == 0) {
        watch_ended(s, err);
        return;
    }
    if (s->state == POD_MIRROR_WATCHING && clock_mono_ms() - s->watch.opened_ms >= settled_ms)
        backoff_reset(&s->backoff);
    if ((answer->status >= 400 && answer->status <= 499 && answer->status != 429) || err->code == -EMSGSIZE ||
        err->code == -EBADMSG)
        s->must_list = true; /* watching does not work: at least list now and then */
    fail(s, err, answer->retry_after_ms);
}

/* --- what the request says */

static int on_object(void *arg, const char *text, size_t len, struct error *err)
{
    struct pod_stream *s = arg;
    return s->state == POD_MIRROR_LISTING ? on_item(s, text, len, err) : on_event(s, text, len, err);
}

static void on_open(void *arg)
{
    struct pod_stream *s = arg;
    if (s->state != POD_MIRROR_OPENING)
        return;
    s->watch.opened_ms = clock_mono_ms();
    enter(s, POD_MIRROR_WATCHING, 0);
    expect_more(s, s->watch.opened_ms);
    pod_mirror_count(s->mirror, POD_MIRROR_OPENED);
    pod_stream_log_open(&s->log);
}

static int on_data(void *arg, const char *data, size_t len, struct error *err)
{
    struct pod_stream *s = arg;
    int rc = json_split_feed(&s->split, data, len, err);
    if (s->state == POD_MIRROR_WATCHING) {
        int64_t now_ms = clock_mono_ms();
        expect_more(s, now_ms);
        pod_mirror_confirm(s->mirror, now_ms);
    }
    return rc;
}

static void on_done(void *arg, const struct kube_answer *answer)
{
    struct pod_stream *s = arg;
    struct error err = answer->err;
    if (s->state != POD_MIRROR_LISTING)
        watch_done(s, answer, &err);
    else if (err.code == 0)
        page_done(s, &err);
    else if (answer->status == 410 && s->list.pages > 1) {
        pod_store_fini(&s->list.pods);
        expire(s);
    } else
        list_failed(s, &err, answer->retry_after_ms);
}

static const struct kube_handler handler = {.on_open = on_open, .on_data = on_data, .on_done = on_done};

/* --- its life */

struct pod_stream *pod_stream_new(struct kube_client *client, const struct pod_stream_options *options)
{
    struct pod_stream *s = xcalloc(1, sizeof(*s));
    s->is_core = options->is_core;
    s->namespace = xstrdup(options->namespace);
    s->selector = xstrdup(options->selector);
    s->query = (struct pod_query){.namespace = s->namespace, .selector = s->selector};
    s->list_target = (struct kube_target){"list", "", "pods", s->namespace, KUBE_POD_VERBS};
    s->watch_target = (struct kube_target){"watch", "", "pods", s->namespace, KUBE_POD_VERBS};
    s->patience = options->patience;
    s->request = kube_request_new(client, &handler, s);
    s->must_list = true;
    pod_stream_log_init(&s->log, options->what);
    json_split_init(&s->split, on_object, s);
    backoff_init(&s->backoff, backoff_base_ms, backoff_cap_ms);
    s->mirror = pod_mirror_new();
    return s;
}

void pod_stream_close(struct pod_stream *s)
{
    kube_request_free(s->request);
    s->request = NULL;
    enter(s, POD_MIRROR_WAITING, INT64_MAX);
}

void pod_stream_free(struct pod_stream *s)
{
    if (s == NULL)
        return;
    kube_request_free(s->request);
    json_split_fini(&s->split);
    pod_store_fini(&s->list.pods);
    pod_mirror_free(s->mirror);
    free(s->selector);
    free(s->namespace);
    free(s);
}

/* A watch gives way to a list that is wanted. Until now the view was confirmed. */
static void interrupt_watch(struct pod_stream *s, int64_t now_ms)
{
    kube_request_cancel(s->request);
    if (s->state == POD_MIRROR_WATCHING) {
        pod_mirror_confirm(s->mirror, now_ms);
    }
    s->fresh = true; /* the old connection may be dead without a word */
    begin_list(s, now_ms);
}

static void lose_patience(struct pod_stream *s)
{
    struct error err = ERROR_INIT;
    kube_request_cancel(s->request);
    if (s->state == POD_MIRROR_OPENING)
        (void)error_set(&err, -ETIMEDOUT, "no answer within %lld ms", (long long)s->patience.open_ms);
    else
        (void)error_set(&err, -ETIMEDOUT, "silent for too long");
    if (s->state == POD_MIRROR_WATCHING && !s->watch.proven)
        s->must_list = true;
    fail(s, &err, 0);
}

int64_t pod_stream_run(struct pod_stream *s, int64_t now_ms)
{
    bool watching = s->state == POD_MIRROR_OPENING || s->state == POD_MIRROR_WATCHING;
    if (s->state == POD_MIRROR_WAITING && now_ms >= s->due_ms) {
        if (s->must_list || s->wanted_ms != 0)
            begin_list(s, now_ms);
        else
            begin_watch(s, now_ms);
    } else if (watching && s->wanted_ms != 0) {
        interrupt_watch(s, now_ms);
    } else if (watching && now_ms >= s->due_ms) {
        lose_patience(s);
    }
    return s->due_ms;
}

void pod_stream_want_list(struct pod_stream *s, int64_t since_ms)
{
    int64_t began_ms = s->state == POD_MIRROR_LISTING ? s->list.began_ms : 0;
    struct pod_mirror_view view;
    pod_mirror_read(s->mirror, false, &view);
    if (view.listed_ms < since_ms && began_ms < since_ms && s->wanted_ms < since_ms)
        s->wanted_ms = since_ms;
}

struct pod_mirror *pod_stream_mirror(const struct pod_stream *s)
{
    return s->mirror;
}

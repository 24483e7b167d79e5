#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "daemon/control/control_private.h"
#include "proto/pack.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"

/*
 * posting_note: a job's callbacks run on other threads. They write into the wait under the server's lock, put it into
 * the list of posted ones (once, however much is posted) and wake the loop, which passes it on. A wait is freed by the
 * loop when its job has ended, whoever was first to leave; after the loop by control_wait_free_all().
 */
enum { progress_bytes_max = 1024 };

static void post_locked(struct control_wait *w) REQUIRES(&w->server->lock)
{
    if (w->is_posted)
        return;
    w->is_posted = true;
    TAILQ_INSERT_TAIL(&w->server->posted, w, posted);
    (void)eventfd_write(w->server->wake_fd, 1);
}

static void on_progress(void *arg, const struct job_progress *progress)
{
    struct control_wait *w = arg;
    struct mutex *lock = &w->server->lock;
    mutex_lock(lock);
    (void)snprintf(w->progress_text, sizeof(w->progress_text), "%s", progress->text);
    (void)snprintf(w->progress_unit, sizeof(w->progress_unit), "%s", progress->unit);
    w->done = progress->done;
    w->total = progress->total;
    w->has_progress = true;
    post_locked(w);
    mutex_unlock(lock);
}

static void on_done(void *arg, const struct job_result *result)
{
    struct control_wait *w = arg;
    struct mutex *lock = &w->server->lock;
    mutex_lock(lock);
    w->outcome.ended = true;
    w->outcome.code = result->code;
    (void)snprintf(w->outcome.text, sizeof(w->outcome.text), "%s", result->text);
    (void)snprintf(w->outcome.summary, sizeof(w->outcome.summary), "%s", result->summary);
    w->outcome.waited_ms = result->waited_ms;
    w->outcome.duration_ms = result->duration_ms;
    post_locked(w);
    mutex_unlock(lock);
}

int control_wait_for_job(struct control_call *call, struct job_queue *queue, struct job_submission *submission,
                         int64_t timeout_ms, control_resume_fn *resume, struct error *err)
{
    struct control_wait *w = xcalloc(1, sizeof(*w));
    w->server = call->server;
    w->call = call;
    w->resume = resume;
    w->deadline_ms = timeout_ms == 0 ? INT64_MAX : clock_mono_ms() + timeout_ms;
    submission->done = on_done;
    submission->progress = on_progress;
    submission->arg = w;
    TAILQ_INSERT_TAIL(&call->server->waits, w, link);
    int rc = job_queue_submit_with(queue, submission, err);
    if (rc < 0) {
        TAILQ_REMOVE(&call->server->waits, w, link);
        free(w);
        return rc;
    }
    call->wait = w;
    return 0;
}

static void resume(struct control_wait *w, const struct control_outcome *outcome)
{
    struct control_call *call = w->call;
    if (call == NULL)
        return;
    w->call = NULL;
    call->wait = NULL;
    w->resume(w->server->context, call, outcome);
}

/* A client that does not read its progress misses some. */
static void send_progress(struct control_wait *w, const char *text, uint64_t done, uint64_t total, const char *unit,
                          int64_t now_ms)
{
    struct control_client *client = w->call->client;
    if (client->out.len > CONTROL_WAITING_BYTES_MAX)
        return;
    struct pack p;
    cleanup_buf struct buf body;
    buf_init(&body, progress_bytes_max);
    pack_init(&p, &body);
    pack_map_begin(&p, NULL);
    pack_str(&p, "text", text);
    pack_int(&p, "done", (int64_t)done);
    pack_int(&p, "total", (int64_t)total);
    pack_str(&p, "unit", unit);
    pack_map_end(&p);
    int rc = pack_end(&p);
    if (rc == 0)
        rc = answer_encode(&client->out, w->call->id, MESSAGE_PROGRESS, &body);
    if (rc == 0)
        control_client_send(client, now_ms);
}

static struct control_wait *take_posted(struct control_server *server, struct control_wait *ret_copy)
{
    mutex_lock(&server->lock);
    struct control_wait *w = TAILQ_FIRST(&server->posted);
    if (w != NULL) {
        TAILQ_REMOVE(&server->posted, w, posted);
        w->is_posted = false;
        *ret_copy = *w;
        w->has_progress = false;
    }
    mutex_unlock(&server->lock);
    return w;
}

void control_wait_run_posted(struct control_server *server, int64_t now_ms) NO_THREAD_ANALYSIS
{
    struct control_wait copy;
    struct control_wait *w;
    while ((w = take_posted(server, &copy)) != NULL) {
        if (copy.has_progress && w->call != NULL)
            send_progress(w, copy.progress_text, copy.done, copy.total, copy.progress_unit, now_ms);
        if (!copy.outcome.ended)
            continue;
        resume(w, &copy.outcome);
        TAILQ_REMOVE(&server->waits, w, link);
        free(w);
    }
}

void control_wait_run_deadlines(struct control_server *server, int64_t now_ms)
{
    static const struct control_outcome not_ended = {.ended = false};
    struct control_wait *w;
    TAILQ_FOREACH(w, &server->waits, link)
    {
        if (w->call != NULL && w->deadline_ms <= now_ms)
            resume(w, &not_ended);
    }
}

int64_t control_wait_next_deadline(const struct control_server *server)
{
    int64_t next = INT64_MAX;
    const struct control_wait *w;
    TAILQ_FOREACH(w, &server->waits, link)
    {
        if (w->call != NULL && w->deadline_ms < next)
            next = w->deadline_ms;
    }
    return next;
}

void control_wait_free_all(struct control_server *server)
{
    struct control_wait *w;
    while ((w = TAILQ_FIRST(&server->waits)) != NULL) {
        TAILQ_REMOVE(&server->waits, w, link);
        free(w);
    }
}

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

/* A count takes the place of the one before that nobody has seen yet, a line is kept. */
static void append_progress_locked(struct control_wait *w, const struct job_progress *progress)
    REQUIRES(&w->server->lock)
{
    struct pack p;
    cleanup_buf struct buf body;
    bool counts = progress->done > 0 || progress->total > 0;
    buf_init(&body, progress_bytes_max);
    pack_init(&p, &body);
    pack_map_begin(&p, NULL);
    pack_str(&p, "text", progress->text);
    pack_int(&p, "done", (int64_t)progress->done);
    pack_int(&p, "total", (int64_t)progress->total);
    pack_str(&p, "unit", progress->unit);
    pack_map_end(&p);
    if (counts && w->ends_in_counter)
        buf_truncate(&w->progress, w->last_counter);
    size_t at = w->progress.len;
    if (pack_end(&p) < 0 || answer_encode(&w->progress, w->id, MESSAGE_PROGRESS, &body) < 0)
        return;
    w->last_counter = at;
    w->ends_in_counter = counts;
}

static void append_line_locked(struct control_wait *w, const struct job_progress *progress) REQUIRES(&w->server->lock)
{
    if (progress->done > 0 || progress->total > 0 || progress->text[0] == '\0')
        return;
    int rc = buf_printf(&w->lines, "%s\n", progress->text);
    (void)rc; /* beyond the limit it is left out */
}

static void on_progress(void *arg, const struct job_progress *progress)
{
    struct control_wait *w = arg;
    mutex_lock(&w->server->lock);
    append_progress_locked(w, progress);
    append_line_locked(w, progress);
    post_locked(w);
    mutex_unlock(&w->server->lock);
}

static void on_done(void *arg, const struct job_result *result)
{
    struct control_wait *w = arg;
    mutex_lock(&w->server->lock);
    w->outcome.ended = true;
    w->outcome.code = result->code;
    (void)snprintf(w->outcome.text, sizeof(w->outcome.text), "%s", result->text);
    (void)snprintf(w->outcome.summary, sizeof(w->outcome.summary), "%s", result->summary);
    w->outcome.waited_ms = result->waited_ms;
    w->outcome.duration_ms = result->duration_ms;
    post_locked(w);
    mutex_unlock(&w->server->lock);
}

static struct control_wait *wait_new(struct control_call *call, int64_t timeout_ms,
                                     control_resume_fn *resume_fn) NO_THREAD_ANALYSIS
{
    struct control_wait *w = xcalloc(1, sizeof(*w));
    w->server = call->server;
    w->call = call;
    w->id = call->id;
    w->resume = resume_fn;
    w->deadline_ms = timeout_ms == 0 ? INT64_MAX : clock_mono_ms() + timeout_ms;
    buf_init(&w->progress, CONTROL_PROGRESS_BYTES_MAX);
    buf_init(&w->lines, CONTROL_LINES_BYTES_MAX);
    TAILQ_INSERT_TAIL(&call->server->waits, w, link);
    return w;
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
static void send_progress(struct control_wait *w, const struct buf *frames, int64_t now_ms)
{
    struct control_client *client = w->call->client;
    if (frames->len == 0 || client->out.len > CONTROL_WAITING_BYTES_MAX)
        return;
    if (buf_append(&client->out, frames->data, frames->len) == 0)
        control_client_send(client, now_ms);
}

/* The next wait with news; *ret_frames (to be freed) gets its progress, *ret_outcome its end, if it has ended. */
static struct control_wait *take_posted(struct control_server *server, struct buf *ret_frames,
                                        struct control_outcome *ret_outcome)
{
    mutex_lock(&server->lock);
    struct control_wait *w = TAILQ_FIRST(&server->posted);
    if (w != NULL) {
        TAILQ_REMOVE(&server->posted, w, posted);
        w->is_posted = false;
        *ret_frames = w->progress;
        buf_init(&w->progress, CONTROL_PROGRESS_BYTES_MAX);
        w->ends_in_counter = false;
        *ret_outcome = w->outcome;
        ret_outcome->lines = w->lines.data; /* when it has ended nobody appends any more */
    }
    mutex_unlock(&server->lock);
    return w;
}

static void wait_free(struct control_wait *w) NO_THREAD_ANALYSIS
{
    TAILQ_REMOVE(&w->server->waits, w, link);
    buf_fini(&w->progress);
    buf_fini(&w->lines);
    free(w);
}

void control_wait_begin(struct control_call *call, int64_t timeout_ms, control_resume_fn *resume_fn,
                        struct control_job *ret_job)
{
    call->wait = wait_new(call, timeout_ms, resume_fn);
    *ret_job = (struct control_job){.done = on_done, .progress = on_progress, .arg = call->wait};
}

void control_wait_cancel(struct control_call *call)
{
    wait_free(call->wait);
    call->wait = NULL;
}

int control_wait_for_job(struct control_call *call, struct job_queue *queue, struct job_submission *submission,
                         int64_t timeout_ms, control_resume_fn *resume_fn, struct error *err)
{
    struct control_job job;
    control_wait_begin(call, timeout_ms, resume_fn, &job);
    submission->done = job.done;
    submission->progress = job.progress;
    submission->arg = job.arg;
    int rc = job_queue_submit_with(queue, submission, err);
    if (rc < 0)
        control_wait_cancel(call);
    return rc;
}

void control_wait_run_posted(struct control_server *server, int64_t now_ms)
{
    struct control_outcome outcome;
    struct buf frames;
    struct control_wait *w;
    while ((w = take_posted(server, &frames, &outcome)) != NULL) {
        if (w->call != NULL)
            send_progress(w, &frames, now_ms);
        buf_fini(&frames);
        if (!outcome.ended)
            continue;
        resume(w, &outcome);
        wait_free(w);
    }
}

void control_wait_run_deadlines(struct control_server *server, int64_t now_ms)
{
    static const struct control_outcome not_ended = {.ended = false, .lines = ""};
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
        wait_free(w);
    }
}

#include "tests/unit/job_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/mem.h"

static unsigned params_freed;

static void free_params(void *params)
{
    params_freed++;
    free(params);
}

/* What the callbacks of one submission heard, in order. */
struct heard {
    char progress[256];
    char summary[JOB_SUMMARY_SIZE];
    unsigned dones;
    int code;
};

static void hear_progress(void *arg, const struct job_progress *p)
{
    struct heard *h = arg;
    assert_int_equal(h->dones, 0);
    size_t len = strlen(h->progress);
    (void)snprintf(h->progress + len, sizeof(h->progress) - len, "%s %u/%u %s;", p->text, (unsigned)p->done,
                   (unsigned)p->total, p->unit);
}

static void hear_done(void *arg, const struct job_result *result)
{
    struct heard *h = arg;
    h->dones++;
    h->code = result->code;
    (void)snprintf(h->summary, sizeof(h->summary), "%s", result->summary);
}

/* What the submission asks for is told back. */
static int tell_params(struct job *job, void *context, struct error *err)
{
    (void)context;
    (void)err;
    const char *text = job_params(job);
    job_report_progress(job, &(struct job_progress){.text = "reading", .done = 1, .total = 2, .unit = "rows"});
    job_report_progress(job, &(struct job_progress){.text = "writing", .done = 2, .total = 2, .unit = "rows"});
    job_set_summary(job, "replaced");
    job_set_summary(job, "params are %s", text == NULL ? "the usual" : text);
    return 0;
}

static int fail_with_summary(struct job *job, void *context, struct error *err)
{
    (void)context;
    job_set_summary(job, "one of two was written");
    return error_set(err, -EIO, "it broke");
}

static const struct job_kind kind = {
    .name = "kind",
    .max_running = 1,
    .max_waiting = 4,
    .max_waiters = 4,
    .second = JOB_SECOND_JOIN,
    .deadline_ms = far_ms,
    .run = tell_params,
};

static struct job_submission submission(const char *params, struct heard *heard)
{
    return (struct job_submission){.done = heard == NULL ? NULL : hear_done,
                                   .progress = heard == NULL ? NULL : hear_progress,
                                   .arg = heard,
                                   .params = params == NULL ? NULL : xstrdup(params),
                                   .params_free = free_params};
}

static int begin_test(void **state)
{
    (void)state;
    params_freed = 0;
    return 0;
}

static void params_reach_the_job_and_are_freed(void **state)
{
    (void)state;
    struct job_queue *q = job_queue_new(&kind, 1, 1, NULL);
    struct heard heard = {0};
    struct job_submission s = submission("dry run", &heard);
    assert_int_equal(job_queue_submit_with(q, &s, NULL), 0);
    assert_int_equal(params_freed, 0);
    run_one(q);
    assert_string_equal(heard.progress, "reading 1/2 rows;writing 2/2 rows;");
    assert_string_equal(heard.summary, "params are dry run");
    assert_int_equal(params_freed, 1);
    stop_and_free(q);
}

static void without_params_they_are_the_usual(void **state)
{
    (void)state;
    struct job_queue *q = job_queue_new(&kind, 1, 1, NULL);
    struct heard heard = {0};
    assert_int_equal(job_queue_submit(q, 0, hear_done, &heard, NULL), 0);
    run_one(q);
    assert_string_equal(heard.summary, "params are the usual");
    assert_string_equal(heard.progress, ""); /* only who asks for it hears of it */
    stop_and_free(q);
}

static void who_joins_shares_the_first_ones_params(void **state)
{
    (void)state;
    struct job_queue *q = job_queue_new(&kind, 1, 1, NULL);
    struct heard heard[2] = {{.dones = 0}};
    struct job_submission first = submission("first", &heard[0]);
    struct job_submission second = submission("second", &heard[1]);
    assert_int_equal(job_queue_submit_with(q, &first, NULL), 0);
    assert_int_equal(job_queue_submit_with(q, &second, NULL), 0);
    assert_int_equal(params_freed, 1);
    run_one(q);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(heard[i].summary, "params are first");
        assert_string_equal(heard[i].progress, "reading 1/2 rows;writing 2/2 rows;");
    }
    assert_int_equal(params_freed, 2);
    stop_and_free(q);
}

static void params_of_a_refused_or_cancelled_one_are_freed(void **state)
{
    (void)state;
    struct job_queue *q = job_queue_new(&kind, 1, 1, NULL);
    struct heard heard = {0};
    struct job_submission cancelled = submission("cancelled", &heard);
    assert_int_equal(job_queue_submit_with(q, &cancelled, NULL), 0);
    job_queue_stop(q);
    assert_int_equal(heard.code, -ECANCELED);
    assert_string_equal(heard.summary, "");
    assert_int_equal(params_freed, 1);
    struct job_submission refused = submission("refused", &heard);
    assert_int_equal(job_queue_submit_with(q, &refused, NULL), -ESHUTDOWN);
    assert_int_equal(params_freed, 2);
    assert_int_equal(heard.dones, 1);
    job_queue_free(q);
}

static void a_failed_job_has_a_summary_too(void **state)
{
    (void)state;
    struct job_kind fails = kind;
    fails.run = fail_with_summary;
    struct job_queue *q = job_queue_new(&fails, 1, 1, NULL);
    struct heard heard = {0};
    assert_int_equal(job_queue_submit(q, 0, hear_done, &heard, NULL), 0);
    run_one(q);
    assert_int_equal(heard.code, -EIO);
    assert_string_equal(heard.summary, "one of two was written");
    stop_and_free(q);
}

static void a_submission_has_its_own_deadline(void **state)
{
    (void)state;
    struct job_kind queued = kind;
    queued.second = JOB_SECOND_QUEUE;
    struct job_queue *q = job_queue_new(&queued, 1, 1, NULL);
    struct heard heard[2] = {{.dones = 0}};
    struct job_submission long_one = submission(NULL, &heard[0]);
    struct job_submission short_one = submission(NULL, &heard[1]);
    short_one.deadline_ms = 1;
    int64_t began_ms = clock_mono_ms();
    assert_int_equal(job_queue_submit_with(q, &long_one, NULL), 0);
    assert_int_equal(job_queue_submit_with(q, &short_one, NULL), 0);
    while (clock_mono_ms() <= began_ms + 1)
        continue;
    struct job *job = job_queue_pop(q); /* ends the late one, which is not the oldest */
    assert_int_equal(heard[1].dones, 1);
    assert_int_equal(heard[1].code, -ETIMEDOUT);
    assert_true(job_deadline_ms(job) >= began_ms + far_ms);
    job_queue_run(q, job);
    assert_int_equal(heard[0].code, 0);
    stop_and_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(params_reach_the_job_and_are_freed, begin_test),
        cmocka_unit_test_setup(without_params_they_are_the_usual, begin_test),
        cmocka_unit_test_setup(who_joins_shares_the_first_ones_params, begin_test),
        cmocka_unit_test_setup(params_of_a_refused_or_cancelled_one_are_freed, begin_test),
        cmocka_unit_test_setup(a_failed_job_has_a_summary_too, begin_test),
        cmocka_unit_test_setup(a_submission_has_its_own_deadline, begin_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

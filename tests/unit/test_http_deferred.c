#include "tests/unit/unit.h"

#include <unistd.h>

#include "shared/clock.h"
#include "tests/unit/http_fixture.h"

static void test_deferred_woken(void **state)
{
    struct world *w = *state;
    int a = client_new(w);
    int b = h2_new(w, NULL, 0);
    send_text(a, GET("/later"));
    h2_get(b, 1, "/later");
    wait_deferred(w, 2);
    assert_int_equal(resumed(w), 0);
    wake_all(w);
    assert_body(a, "later");
    h2_wait(b, frame_data, 1);
    assert_answer(a, GET("/now"), 200, "hello");
    assert_int_equal(resumed(w), 2);
}

static void test_deferred_deadline(void **state)
{
    struct world *w = *state;
    set_defer_ms(w, 50);
    int fd = client_new(w);
    int64_t start_ms = clock_mono_ms();
    assert_answer(fd, GET("/later"), 200, "later");
    int64_t took_ms = clock_mono_ms() - start_ms;
    assert_true(took_ms >= 50 && took_ms < 2000);
    wake_all(w);
    assert_answer(fd, GET("/now"), 200, "hello");
    assert_int_equal(resumed(w), 1);
}

static void test_deferred_deadlines_in_order(void **state)
{
    struct world *w = *state;
    (void)client_deferred(w);
    set_defer_ms(w, 30);
    int fd = client_new(w);
    assert_answer(fd, GET("/later"), 200, "later");
    assert_int_equal(resumed(w), 1);
}

static unsigned data_freed(struct world *w)
{
    mutex_lock(&w->lock);
    unsigned count = w->data_freed;
    mutex_unlock(&w->lock);
    return count;
}

/* Data lives until it was woken and resumed, in whichever order, and also without anybody left to answer. */
static void test_deferred_data(void **state)
{
    (void)state;
    struct world *w = world_start((struct http_server_options){0});
    int fd = client_new(w);
    send_text(fd, GET("/data-later"));
    wait_deferred(w, 1);
    wake_all(w);
    assert_body(fd, "kept");

    set_defer_ms(w, 20);
    assert_answer(fd, GET("/data-later"), 200, "kept"); /* at the deadline */
    assert_true(data_freed(w) <= 1);
    wake_all(w);

    set_defer_ms(w, wait_ms);
    int gone = client_new(w);
    send_text(gone, GET("/data-later"));
    wait_deferred(w, 3);
    client_close(w, gone);
    wake_all(w);
    send_text(fd, GET("/data-later"));
    wait_deferred(w, 4);
    http_server_stop(w->server, 0);
    wake_all(w);
    assert_int_equal(data_freed(w), 4);
    world_free(w);
}

static void test_client_gone_http1(void **state)
{
    struct world *w = *state;
    int fd = client_deferred(w);
    client_close(w, fd);
    wake_all(w);
    assert_works(w);
}

struct stopping {
    struct world *w;
    int64_t grace_ms;
    int64_t took_ms;
    pthread_t thread;
};

static void *stop_main(void *arg)
{
    struct stopping *s = arg;
    int64_t start_ms = clock_mono_ms();
    http_server_stop(s->w->server, s->grace_ms);
    s->took_ms = clock_mono_ms() - start_ms;
    return NULL;
}

static void stop_begin(struct stopping *s, struct world *w, int64_t grace_ms)
{
    *s = (struct stopping){.w = w, .grace_ms = grace_ms};
    assert_int_equal(thread_start(&s->thread, "stopper", stop_main, s, NULL), 0);
}

static void test_stop_idle(void **state)
{
    (void)state;
    struct world *w = world_start((struct http_server_options){0});
    int a = client_new(w);
    int b = h2_new(w, NULL, 0);
    int c = client_new(w);
    assert_answer(a, GET("/now"), 200, "hello");
    h2_get(b, 1, "/now");
    h2_wait(b, frame_data, 1);
    struct stopping s;
    stop_begin(&s, w, wait_ms);
    h2_wait(b, frame_goaway, 0);
    assert_closed(a);
    assert_closed(b);
    assert_closed(c);
    thread_join(s.thread);
    assert_true(s.took_ms < 1000);
    world_free(w);
}

/* What is open when the server stops is answered within the grace, and nothing new is accepted. */
static void test_stop_waits(void **state)
{
    (void)state;
    struct world *w = world_start((struct http_server_options){0});
    int a = client_new(w);
    int b = h2_new(w, NULL, 0);
    int idle = client_new(w);
    assert_answer(idle, GET("/now"), 200, "hello");
    send_text(a, GET("/later"));
    h2_get(b, 1, "/later");
    wait_deferred(w, 2);
    struct stopping s;
    stop_begin(&s, w, wait_ms);
    assert_closed(idle); /* the stop has begun */
    wake_all(w);
    assert_last_body(a, "later");
    h2_wait(b, frame_data, 1);
    assert_closed(b);
    thread_join(s.thread);
    assert_true(s.took_ms < wait_ms);
    world_free(w);
}

/* The grace ends first: resumed as at a deadline, and woken when the server is gone. */
static void test_stop_with_deferred(void **state)
{
    (void)state;
    struct world *w = world_start((struct http_server_options){0});
    int a = client_new(w);
    int b = h2_new(w, NULL, 0);
    send_text(a, GET("/later"));
    h2_get(b, 1, "/later");
    wait_deferred(w, 2);
    struct stopping s;
    stop_begin(&s, w, 50);
    assert_body(a, "later");
    h2_wait(b, frame_data, 1);
    assert_closed(a);
    assert_closed(b);
    thread_join(s.thread);
    assert_true(s.took_ms >= 50 && s.took_ms < 5000);
    assert_int_equal(resumed(w), 2);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(test_deferred_woken),
        WORLD(test_deferred_deadline),
        WORLD(test_deferred_deadlines_in_order),
        cmocka_unit_test(test_deferred_data),
        WORLD(test_client_gone_http1),
        cmocka_unit_test(test_stop_idle),
        cmocka_unit_test(test_stop_waits),
        cmocka_unit_test(test_stop_with_deferred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>

#include "shared/clock.h"
#include "tests/unit/event.h"

struct seen {
    struct event look; /* raised when the name may be read */
    sigset_t blocked;
    char name[16];
    size_t stack_bytes;
};

static void *see(void *arg)
{
    struct seen *seen = arg;
    assert_true(event_wait(&seen->look, 1));
    (void)pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
    (void)pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
    pthread_attr_t attr;
    assert_int_equal(pthread_getattr_np(pthread_self(), &attr), 0);
    (void)pthread_attr_getstacksize(&attr, &seen->stack_bytes);
    (void)pthread_attr_destroy(&attr);
    return NULL;
}

static void threads_are_named_small_and_deaf_to_signals(void **state)
{
    (void)state;
    struct seen seen = {.name = ""};
    event_init(&seen.look);
    sigset_t before;
    sigset_t after;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &before);
    pthread_t thread;
    assert_int_equal(thread_start(&thread, "a-name-that-is-too-long", see, &seen, NULL), 0);
    event_raise(&seen.look);
    thread_join(thread);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
    static const int signals[] = {SIGTERM, SIGINT, SIGUSR1, SIGPIPE, SIGCHLD};
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        assert_true(sigismember(&seen.blocked, signals[i]));
        assert_int_equal(sigismember(&after, signals[i]), sigismember(&before, signals[i]));
    }
    assert_string_equal(seen.name, "a-name-that-is-");
    if (!BUILT_WITH_SANITIZER)
        assert_int_equal(seen.stack_bytes, 256 * 1024);
    event_fini(&seen.look);
}

static void waiting_ends_at_the_deadline(void **state)
{
    (void)state;
    struct mutex lock;
    struct cond cond;
    mutex_init(&lock);
    cond_init(&cond);
    int64_t deadline_ms = clock_mono_ms() + 20;
    mutex_lock(&lock);
    while (cond_wait_until(&cond, &lock, deadline_ms))
        continue;
    assert_true(clock_mono_ms() >= deadline_ms);
    static const int64_t passed[] = {0, -1, -999, -1001, INT64_MIN};
    for (size_t i = 0; i < ARRAY_LEN(passed); i++)
        assert_false(cond_wait_until(&cond, &lock, passed[i]));
    mutex_unlock(&lock);
    cond_fini(&cond);
    mutex_fini(&lock);
}

struct turns {
    struct mutex lock;
    struct cond changed;
    unsigned turn GUARDED;
};

enum { turns_max = 2000 };

static void *take_turns(void *arg)
{
    struct turns *t = arg;
    mutex_lock(&t->lock);
    while (t->turn < turns_max) {
        if (t->turn % 2 == 1) {
            t->turn++;
            cond_broadcast(&t->changed);
        } else {
            (void)cond_wait_until(&t->changed, &t->lock, INT64_MAX);
        }
    }
    mutex_unlock(&t->lock);
    return NULL;
}

static void signals_reach_the_waiter(void **state)
{
    (void)state;
    struct turns t;
    mutex_init(&t.lock);
    cond_init(&t.changed);
    mutex_lock(&t.lock);
    t.turn = 0;
    mutex_unlock(&t.lock);
    pthread_t thread;
    assert_int_equal(thread_start(&thread, "turns", take_turns, &t, NULL), 0);
    mutex_lock(&t.lock);
    while (t.turn < turns_max) {
        if (t.turn % 2 == 0) {
            t.turn++;
            cond_signal(&t.changed);
        } else {
            (void)cond_wait_until(&t.changed, &t.lock, INT64_MAX);
        }
    }
    mutex_unlock(&t.lock);
    thread_join(thread);
    cond_fini(&t.changed);
    mutex_fini(&t.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_are_named_small_and_deaf_to_signals),
        cmocka_unit_test(waiting_ends_at_the_deadline),
        cmocka_unit_test(signals_reach_the_waiter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include <errno.h>
#include <netdb.h>

#include "shared/clock.h"
#include "shared/resolve.h"
#include "shared/thread.h"
#include "tests/unit/event.h"

/*
 * DNS as the look-ups see it (the linker's --wrap): "slow.test" is being looked up until it is let go, "gone.test" does
 * not exist, "later.test" is for another time.
 */
static struct event answered;
static struct mutex lock = {PTHREAD_MUTEX_INITIALIZER};
static bool let_go;
static unsigned started;
static struct addrinfo *none;
static struct error err;

int __wrap_getaddrinfo_a(int mode, struct gaicb *list[], int count, struct sigevent *event);
int __wrap_gai_error(struct gaicb *request);
int __wrap_gai_suspend(const struct gaicb *const list[], int count, const struct timespec *timeout);
int __wrap_gai_cancel(struct gaicb *request);

int __wrap_getaddrinfo_a(int mode, struct gaicb *list[], int count, struct sigevent *event)
{
    (void)event;
    assert_int_equal(mode, GAI_NOWAIT);
    assert_int_equal(count, 1);
    list[0]->ar_result = none;
    started++;
    return 0;
}

int __wrap_gai_error(struct gaicb *request)
{
    if (strcmp(request->ar_name, "gone.test") == 0)
        return EAI_NONAME;
    if (strcmp(request->ar_name, "later.test") == 0)
        return EAI_AGAIN;
    mutex_lock(&lock);
    bool free_now = let_go;
    mutex_unlock(&lock);
    return free_now ? EAI_NODATA : EAI_INPROGRESS;
}

int __wrap_gai_suspend(const struct gaicb *const list[], int count, const struct timespec *timeout)
{
    (void)list;
    (void)count;
    (void)event_wait_for(&answered, 1, timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000);
    return EAI_AGAIN;
}

int __wrap_gai_cancel(struct gaicb *request)
{
    (void)request;
    return EAI_NOTCANCELED;
}

static int resolve(const char *host, int64_t ms, struct resolved *ret_resolved)
{
    error_clear(&err);
    return resolve_host(host, clock_mono_ms() + ms, ret_resolved, &err);
}

static void addresses_need_no_look_up(void **state)
{
    (void)state;
    static const char *const addresses[] = {"127.0.0.1", "::1", "fe80::1234:5678:9abc:def0", "255.255.255.255"};
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        struct resolved r;
        assert_int_equal(resolve(addresses[i], 0, &r), 0);
        assert_int_equal(r.count, 1);
        assert_string_equal(r.address[0], addresses[i]);
    }
    assert_int_equal(started, 0);
}

static void failures_have_codes(void **state)
{
    (void)state;
    struct resolved r;
    assert_int_equal(resolve("gone.test", 1000, &r), -ENOENT);
    assert_non_null(strstr(err.text, "gone.test"));
    assert_int_equal(resolve("later.test", 1000, &r), -EAGAIN);
}

static void late_look_ups_keep_their_place(void **state)
{
    (void)state;
    struct resolved r;
    for (int i = 0; i < RESOLVE_LOOKUPS_MAX; i++) {
        int64_t begin_ms = clock_mono_ms();
        assert_int_equal(resolve("slow.test", 20, &r), -ETIMEDOUT);
        assert_in_range(clock_mono_ms() - begin_ms, 19, 10000);
    }
    unsigned so_far = started;
    assert_int_equal(resolve("slow.test", 20, &r), -EBUSY);
    assert_int_equal(resolve("gone.test", 20, &r), -EBUSY);
    assert_int_equal(started, so_far);
    assert_int_equal(resolve("10.0.0.1", 0, &r), 0);

    mutex_lock(&lock);
    let_go = true;
    mutex_unlock(&lock);
    assert_int_equal(resolve("gone.test", 1000, &r), -ENOENT); /* frees all the places */
    assert_int_equal(resolve("slow.test", 1000, &r), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_need_no_look_up),
        cmocka_unit_test(failures_have_codes),
        cmocka_unit_test(late_look_ups_keep_their_place),
    };
    event_init(&answered);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

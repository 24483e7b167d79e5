#include "tests/unit/unit.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/clock.h"
#include "shared/resolve.h"
#include "tests/unit/event.h"

/*
 * DNS as the look-ups see it (the linker's --wrap): "slow.test" is being looked up until it is let go, "gone.test" does
 * not exist, "later.test" is for another time, "refused.test" is refused, "v6only.test" has no address of a family that
 * is asked for, "many.test" has many addresses.
 */
static unsigned many = RESOLVE_ADDRESSES_MAX + 1;
static struct event let_go;
static struct event started;
static struct error err;

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret);
int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret);

/* A list like getaddrinfo()'s, of 10.0.0.0 and what follows. */
static struct addrinfo *make_many(void)
{
    struct addrinfo *list = NULL;
    for (unsigned i = many; i-- > 0;) {
        const struct addrinfo numeric = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
        struct addrinfo *one = NULL;
        char text[32];
        (void)snprintf(text, sizeof(text), "10.0.%u.%u", i / 256, i % 256);
        assert_int_equal(__real_getaddrinfo(text, NULL, &numeric, &one), 0);
        one->ai_next = list;
        list = one;
    }
    return list;
}

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
    (void)service;
    (void)hints;
    *ret = NULL;
    event_raise(&started);
    if (strcmp(host, "gone.test") == 0)
        return EAI_NONAME;
    if (strcmp(host, "later.test") == 0)
        return EAI_AGAIN;
    if (strcmp(host, "refused.test") == 0)
        return EAI_FAIL;
    if (strcmp(host, "v6only.test") == 0)
        return EAI_ADDRFAMILY;
    if (strcmp(host, "many.test") == 0) {
        *ret = make_many();
        return 0;
    }
    (void)event_wait(&let_go, 1);
    return EAI_NODATA;
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
    assert_int_equal(event_count(&started), 0);
}

static void failures_have_codes(void **state)
{
    (void)state;
    struct resolved r;
    assert_int_equal(resolve("gone.test", 1000, &r), -ENOENT);
    assert_non_null(strstr(err.text, "gone.test"));
    assert_int_equal(resolve("later.test", 1000, &r), -EAGAIN);
    assert_int_equal(resolve("refused.test", 1000, &r), -EIO);
    assert_int_equal(resolve("v6only.test", 1000, &r), -ENODATA);
}

static void all_addresses_have_a_limit(void **state)
{
    (void)state;
    struct resolved first;
    struct resolved_all *all = calloc(1, sizeof(*all));
    assert_int_equal(resolve("many.test", 1000, &first), 0);
    assert_int_equal(first.count, RESOLVE_ADDRESSES_MAX);
    many = RESOLVE_ALL_MAX;
    assert_int_equal(resolve_all("many.test", clock_mono_ms() + 1000, all, &err), 0);
    assert_int_equal(all->count, RESOLVE_ALL_MAX);
    assert_string_equal(all->address[RESOLVE_ALL_MAX - 1], "10.0.0.255");
    many = RESOLVE_ALL_MAX + 1;
    assert_int_equal(resolve_all("many.test", clock_mono_ms() + 1000, all, &err), -EMSGSIZE);
    free(all);
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
    unsigned so_far = event_count(&started);
    assert_int_equal(resolve("slow.test", 20, &r), -EBUSY);
    assert_int_equal(resolve("gone.test", 20, &r), -EBUSY);
    assert_int_equal(event_count(&started), so_far);
    assert_int_equal(resolve("10.0.0.1", 0, &r), 0);

    event_raise(&let_go); /* the places come free one after the other */
    int rc = -EBUSY;
    for (int64_t until_ms = clock_mono_ms() + EVENT_WAIT_MS; rc == -EBUSY && clock_mono_ms() < until_ms;)
        rc = resolve("gone.test", EVENT_WAIT_MS, &r);
    assert_int_equal(rc, -ENOENT);
    assert_int_equal(resolve("slow.test", EVENT_WAIT_MS, &r), -ENODATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_need_no_look_up),
        cmocka_unit_test(failures_have_codes),
        cmocka_unit_test(all_addresses_have_a_limit),
        cmocka_unit_test(late_look_ups_keep_their_place),
    };
    event_init(&let_go);
    event_init(&started);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/discovery/dns_source.h"
#include "daemon/discovery/static_source.h"
#include "shared/clock.h"
#include "shared/resolve.h"

/* What the sources without the API make of core.peers, and of DNS as the linker's --wrap answers. */
static int answer_code;
static const char *answer_text; /* addresses with blanks between them */
static unsigned asked;

int __wrap_resolve_all(const char *host, int64_t deadline_ms, struct resolved_all *ret_resolved, struct error *err);

int __wrap_resolve_all(const char *host, int64_t deadline_ms, struct resolved_all *ret_resolved, struct error *err)
{
    assert_string_equal(host, "cores");
    assert_true(deadline_ms <= clock_mono_ms() + DNS_LOOK_UP_MS);
    asked++;
    ret_resolved->count = 0;
    if (answer_code < 0)
        return error_set(err, answer_code, "as asked");
    for (const char *at = answer_text; *at != '\0';) {
        size_t len = strcspn(at, " ");
        (void)snprintf(ret_resolved->address[ret_resolved->count++], INET6_ADDRSTRLEN, "%.*s", (int)len, at);
        at += len + (at[len] == ' ' ? 1 : 0);
    }
    return 0;
}

/* "ip ip*": the cores of a look, * marks the own one. */
static void assert_view(const struct member_source *source, bool complete, bool confirmed, const char *expected)
{
    struct pod_view *view = source->look(source->arg, clock_mono_ms() + 60000);
    char text[512] = "";
    size_t len = 0;
    for (size_t i = 0; i < view->count; i++) {
        const struct pod *pod = &view->pods[i];
        assert_true(pod->is_core && pod->phase == POD_RUNNING && strcmp(pod->name, pod->ip) == 0);
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, "%s%s%s", i > 0 ? " " : "", pod->ip, pod->own ? "*" : "");
        if (pod->port != 0)
            len += (size_t)snprintf(text + len, sizeof(text) - len, ":%u", pod->port);
    }
    assert_string_equal(text, expected);
    assert_int_equal(view->complete, complete);
    assert_int_equal(view->confirmed, confirmed);
    assert_false(view->others_complete);
    pod_view_free(view);
}

static struct own_pod own_of(const char *ip)
{
    static char empty[] = "";
    static char texts[2][64];
    (void)snprintf(texts[0], sizeof(texts[0]), "%s", ip);
    (void)snprintf(texts[1], sizeof(texts[1]), "10.0.0.9");
    return (struct own_pod){
        .pod_name = empty, .pod_ip = texts[0], .hostname = empty, .addresses = {texts[1]}, .address_count = 1};
}

static void peers_are_the_cores(void **state)
{
    (void)state;
    static char first[] = "10.0.0.1";
    static char second[] = "10.0.0.2:7032";
    static char third[] = "[FD00::3]:8032";
    char *peers[] = {first, second, third};
    struct own_pod own = own_of("10.0.0.2");
    struct static_source *source = static_source_new(peers, 3, &own);
    const struct member_source *members = static_source_members(source);
    assert_view(members, true, true, "10.0.0.1 10.0.0.2*:7032 fd00::3:8032");
    assert_false(members->knows_pods);
    assert_int_equal(members->confirm(members->arg, clock_mono_ms(), clock_mono_ms(), NULL), 0);
    static_source_free(source);
    own = own_of("10.0.0.7");
    source = static_source_new(peers, 3, &own);
    assert_view(static_source_members(source), true, true, "10.0.0.1 10.0.0.2:7032 fd00::3:8032");
    static_source_free(source);
}

/* A source that was asked once; the next look asks again. */
static void ask_again(const struct member_source *members)
{
    struct error err = ERROR_INIT;
    (void)members->confirm(members->arg, clock_mono_ms() + 1, clock_mono_ms() + 60000, &err);
}

static void addresses_of_a_name_are_the_cores(void **state)
{
    (void)state;
    struct own_pod own = own_of("10.0.0.2");
    struct dns_source *source = dns_source_new("cores", &own);
    const struct member_source *members = dns_source_members(source);
    answer_code = 0;
    asked = 0;
    answer_text = "10.0.0.3 10.0.0.1 10.0.0.1";
    assert_view(members, true, true, "10.0.0.1 10.0.0.2* 10.0.0.3");
    assert_view(members, true, true, "10.0.0.1 10.0.0.2* 10.0.0.3");
    assert_int_equal(asked, 1); /* looks within a second share an answer */
    answer_text = "10.0.0.2";
    ask_again(members);
    assert_view(members, true, true, "10.0.0.2*");
    dns_source_free(source);
}

static void no_answer_changes_nothing(void **state)
{
    (void)state;
    static const int codes[] = {-EAGAIN, -ETIMEDOUT, -ENODATA, -EBUSY, -EIO, -EMSGSIZE};
    struct own_pod own = own_of("10.0.0.2");
    struct dns_source *source = dns_source_new("cores", &own);
    const struct member_source *members = dns_source_members(source);
    struct dns_source_stats stats;
    answer_code = -EAGAIN;
    assert_view(members, false, false, "");
    answer_code = 0;
    answer_text = "10.0.0.1 10.0.0.2";
    assert_view(members, true, true, "10.0.0.1 10.0.0.2*");
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct error err = ERROR_INIT;
        answer_code = codes[i];
        assert_int_equal(members->confirm(members->arg, clock_mono_ms() + 1, clock_mono_ms() + 60000, &err), codes[i]);
        assert_view(members, true, false, "10.0.0.1 10.0.0.2*");
    }
    dns_source_get_stats(source, &stats);
    assert_int_equal(stats.answers, 1);
    assert_int_equal(stats.failures, 1 + 2 * ARRAY_LEN(codes));
    assert_int_equal(stats.addresses, 2);
    assert_string_equal(stats.error, "as asked");
    answer_code = -ENOENT; /* the name does not exist: nobody but us */
    assert_view(members, true, true, "10.0.0.2*");
    dns_source_free(source);
}

static void ipv4_goes_before_ipv6(void **state)
{
    (void)state;
    struct own_pod own = own_of("");
    struct dns_source *source = dns_source_new("cores", &own);
    const struct member_source *members = dns_source_members(source);
    answer_code = 0;
    answer_text = "fd00::1 fd00::2";
    assert_view(members, true, true, "10.0.0.9* fd00::1 fd00::2");
    answer_text = "fd00::1 10.0.0.1 10.0.0.9 fd00::2";
    ask_again(members);
    assert_view(members, true, true, "10.0.0.1 10.0.0.9*");
    answer_text = "fd00::1 fd00::2"; /* half of the answer is missing */
    ask_again(members);
    assert_view(members, true, false, "10.0.0.1 10.0.0.9*");
    dns_source_free(source);
}

static void an_own_address_must_be_one(void **state)
{
    (void)state;
    struct own_pod own = own_of("not an address, and far too long for the place that an address has");
    struct dns_source *source = dns_source_new("cores", &own);
    answer_code = -ENOENT;
    assert_view(dns_source_members(source), true, true, "10.0.0.9*");
    dns_source_free(source);
    own.address_count = 0;
    source = dns_source_new("cores", &own);
    assert_view(dns_source_members(source), true, true, "");
    dns_source_free(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_are_the_cores),        cmocka_unit_test(addresses_of_a_name_are_the_cores),
        cmocka_unit_test(no_answer_changes_nothing),  cmocka_unit_test(ipv4_goes_before_ipv6),
        cmocka_unit_test(an_own_address_must_be_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

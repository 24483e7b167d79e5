#include "tests/unit/member_fixture.h"

#include <errno.h>
#include <stdio.h>

#include "shared/compiler.h"

/* As long as DNS and a comment allow. */
#define A9    "aaaaaaaaa"
#define A63   A9 A9 A9 A9 A9 A9 A9
#define NAME  A63 "." A63 "." A63 "." /* 192 characters */
#define C51   "ccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define C255  C51 C51 C51 C51 C51
#define LABEL "bbbbbbbbb."

static void hosts_are_addresses_or_dns_names(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool valid;
    } rows[] = {
        {"10.0.0.1", true},
        {"255.255.255.255", true},
        {"::1", true},
        {"fd00::10.0.0.1", true},
        {"localhost", true},
        {"proxysql-core", true},
        {"proxysql-core-0.proxysql-core.default.svc.cluster.local", true},
        {"0", true},
        {"A-1", true},
        {"1.2.3", true},
        {A63, true},
        {NAME LABEL LABEL LABEL LABEL LABEL "bbbbbbbbbbb", true}, /* 253 */
        {"", false},
        {".", false},
        {"a.", false},
        {".a", false},
        {"a..b", false},
        {"-a", false},
        {"a-", false},
        {"a.-b", false},
        {"a.b-.c", false},
        {A63 "a", false},
        {"x." A63 "a", false},
        {NAME LABEL LABEL LABEL LABEL LABEL "bbbbbbbbbbbb", false}, /* 254 */
        {"a_b", false},
        {"a b", false},
        {" a", false},
        {"a\n", false},
        {"a'b", false},
        {"a\"b", false},
        {"a;b", false},
        {"a\\b", false},
        {"a:6032", false},
        {"[::1]", false},
        {"fe80::1%eth0", false},
        {":::", false},
        {"gr\xc3\xbc\xc3\x9f", false},
        {"10.0.0.1/24", false},
        {"') OR 1=1 --", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (member_host_valid(rows[i].host) != rows[i].valid)
            fail_msg("\"%s\" is %s", rows[i].host, rows[i].valid ? "refused" : "taken");
}

static void parse_takes_what_proxysql_answers(void **state)
{
    (void)state;
    static const struct {
        const char *host, *port, *weight, *comment;
        struct member expected;
    } rows[] = {
        {"10.0.0.1", "6032", "0", "core-0", {"10.0.0.1", 6032, 0, "core-0"}},
        {"fd00::1", "1", "2147483647", "", {"fd00::1", 1, INT32_MAX, ""}},
        {"proxysql-core",
         "65535",
         "7",
         "it's \"free\" text; \\ \xc3\xbc",
         {"proxysql-core", 65535, 7, "it's \"free\" text; \\ \xc3\xbc"}},
        {"a", "6032", "0", C255, {"a", 6032, 0, C255}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct member m;
        struct error err = ERROR_INIT;
        assert_int_equal(member_parse(rows[i].host, rows[i].port, rows[i].weight, rows[i].comment, &m, &err), 0);
        assert_string_equal(m.host, rows[i].expected.host);
        assert_int_equal(m.port, rows[i].expected.port);
        assert_int_equal(m.weight, rows[i].expected.weight);
        assert_string_equal(m.comment, rows[i].expected.comment);
    }
}

static void parse_refuses_and_names_the_bad_value(void **state)
{
    (void)state;
    static const struct {
        const char *host, *port, *weight, *comment, *said;
    } rows[] = {
        {"", "6032", "0", "", "\"\""},
        {"a b", "6032", "0", "", "\"a b\""},
        {"a';DROP", "6032", "0", "", "a';DROP"},
        {"a", "0", "0", "", "port \"0\""},
        {"a", "65536", "0", "", "port \"65536\""},
        {"a", "-1", "0", "", "port \"-1\""},
        {"a", "", "0", "", "port \"\""},
        {"a", "6032 ", "0", "", "port \"6032 \""},
        {"a", "0x1790", "0", "", "port \"0x1790\""},
        {"a", "06032", "0", "", "port \"06032\""},
        {"a", "6032", "-1", "", "weight \"-1\""},
        {"a", "6032", "", "", "weight \"\""},
        {"a", "6032", "1.5", "", "weight \"1.5\""},
        {"a", "6032", "2147483648", "", "weight \"2147483648\""},
        {"a", "6032", "99999999999999999999", "", "weight \"9999999999"},
        {"a", "6032", "0", C255 "c", "comment is too long"},
        {"a", "6032", "0", "two\nlines", "control characters"},
        {"a", "6032", "0", "\x7f", "control characters"},
        {"a", "6032", "0", "\x1b[2J", "control characters"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct member m = member("untouched", 1, 1, "untouched");
        struct error err = ERROR_INIT;
        int rc = member_parse(rows[i].host, rows[i].port, rows[i].weight, rows[i].comment, &m, &err);
        if (rc != -EPROTO || strstr(err.text, rows[i].said) == NULL)
            fail_msg("row %zu: %d: %s", i, rc, err.text);
        assert_string_equal(m.host, "untouched");
        assert_string_equal(m.comment, "untouched");
    }
}

static void list_grows_to_its_limit_and_no_further(void **state)
{
    (void)state;
    cleanup_members struct member_list list = {0};
    for (int i = 0; i < MEMBERS_MAX; i++) {
        char host[16];
        (void)snprintf(host, sizeof(host), "10.0.0.%d", i);
        add_member(&list, member(host, (uint16_t)(i + 1), i, host));
    }
    struct error err = ERROR_INIT;
    struct member one_more = member("b", 1, 0, "");
    assert_int_equal(member_list_add(&list, &one_more, &err), -EMSGSIZE);
    assert_non_null(strstr(err.text, "256"));
    assert_int_equal(list.count, MEMBERS_MAX);
    for (int i = 0; i < MEMBERS_MAX; i++) {
        assert_int_equal(list.items[i].port, i + 1);
        assert_string_equal(list.items[i].host, list.items[i].comment);
    }
    member_list_fini(&list);
    assert_null(list.items);
    assert_int_equal(list.count, 0);
}

static void lists_are_equal_in_whatever_order(void **state)
{
    (void)state;
    cleanup_members struct member_list a = {0};
    cleanup_members struct member_list b = {0};
    assert_true(member_list_equal(&a, &b));
    add_member(&a, member("10.0.0.1", 6032, 0, "core-0"));
    assert_false(member_list_equal(&a, &b));
    assert_false(member_list_equal(&b, &a));
    add_member(&a, member("10.0.0.2", 6032, 0, "core-1"));
    add_member(&b, member("10.0.0.2", 6032, 0, "core-1"));
    add_member(&b, member("10.0.0.1", 6032, 0, "core-0"));
    assert_true(member_list_equal(&a, &b));
    assert_true(member_list_equal(&b, &a));
}

/* ProxySQL's checksum of the list covers each of these. */
static void one_other_value_makes_lists_differ(void **state)
{
    (void)state;
    static const struct member rows[] = {
        {"10.0.0.3", 6032, 0, "core-1"}, {"10.0.0.2", 6033, 0, "core-1"}, {"10.0.0.2", 6032, 1, "core-1"},
        {"10.0.0.2", 6032, 0, "core-2"}, {"10.0.0.2", 6032, 0, ""},
    };
    cleanup_members struct member_list a = {0};
    add_member(&a, member("10.0.0.1", 6032, 0, "core-0"));
    add_member(&a, member("10.0.0.2", 6032, 0, "core-1"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cleanup_members struct member_list b = {0};
        add_member(&b, member("10.0.0.1", 6032, 0, "core-0"));
        add_member(&b, rows[i]);
        assert_false(member_list_equal(&a, &b));
        assert_false(member_list_equal(&b, &a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_addresses_or_dns_names),
        cmocka_unit_test(parse_takes_what_proxysql_answers),
        cmocka_unit_test(parse_refuses_and_names_the_bad_value),
        cmocka_unit_test(list_grows_to_its_limit_and_no_further),
        cmocka_unit_test(lists_are_equal_in_whatever_order),
        cmocka_unit_test(one_other_value_makes_lists_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

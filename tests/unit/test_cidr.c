#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "shared/cidr.h"
#include "shared/compiler.h"

static void peer(const char *text, struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof(*ret));
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        memcpy(ret, &in, sizeof(in));
    else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
        memcpy(ret, &in6, sizeof(in6));
    else
        fail_msg("%s is no address", text);
}

static const struct {
    const char *cidr;
    const char *peer;
    bool contained;
} memberships[] = {
    {"10.0.0.0/8", "10.255.0.1", true},
    {"10.0.0.0/8", "11.0.0.1", false},
    {"10.1.2.3", "10.1.2.3", true},
    {"10.1.2.3", "10.1.2.4", false},
    {"10.1.2.3/32", "10.1.2.3", true},
    {"192.168.128.0/17", "192.168.128.1", true},
    {"192.168.128.0/17", "192.168.127.255", false},
    {"0.0.0.0/0", "255.255.255.255", true},
    {"0.0.0.0/0", "2001:db8::1", false},
    {"10.0.0.0/8", "::ffff:10.9.9.9", true},
    {"::ffff:10.0.0.0/104", "10.9.9.9", true},
    {"::ffff:10.0.0.0/104", "::ffff:11.9.9.9", false},
    {"::/0", "2001:db8::1", true},
    {"::/0", "10.0.0.1", false},
    {"::/0", "::ffff:10.0.0.1", false},
    {"2001:db8::/33", "2001:db8:7fff::1", true},
    {"2001:db8::/33", "2001:db8:8000::1", false},
    {"::1", "::1", true},
    {"::1", "127.0.0.1", false},
    {"fe80::/10", "febf::1", true},
    {"fe80::/10", "fec0::1", false},
};

static void networks_hold_their_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(memberships); i++) {
        struct cidr cidr;
        struct error err = ERROR_INIT;
        struct sockaddr_storage address;
        if (cidr_parse(memberships[i].cidr, &cidr, &err) < 0)
            fail_msg("%s: %s", memberships[i].cidr, err.text);
        peer(memberships[i].peer, &address);
        if (cidr_contains(&cidr, (const struct sockaddr *)&address) != memberships[i].contained)
            fail_msg("%s and %s", memberships[i].cidr, memberships[i].peer);
    }
}

static void what_is_no_network_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "/",
        "/8",
        "10",
        "10.0.0",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/08",
        "10.0.0.0/+8",
        "10.0.0.0/8 ",
        " 10.0.0.0/8",
        "10.0.0.1/8",
        "010.0.0.0/8",
        "0x0a.0.0.0",
        "10.0.0.0/8/8",
        "256.0.0.1",
        "::/129",
        "2001:db8::1/32",
        "fe80::1%lo",
        ":::",
        "localhost",
        "::ffff:10.0.0.1/104",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct cidr cidr;
        struct error err = ERROR_INIT;
        if (cidr_parse(texts[i], &cidr, &err) != -EINVAL)
            fail_msg("\"%s\" is taken", texts[i]);
        assert_true(err.text[0] != '\0');
    }
}

static void other_families_are_in_no_network(void **state)
{
    (void)state;
    struct cidr cidr;
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    char text[CIDR_TEXT_SIZE];
    assert_int_equal(cidr_parse("0.0.0.0/0", &cidr, NULL), 0);
    assert_false(cidr_contains(&cidr, (const struct sockaddr *)&address));
    cidr_format_address((const struct sockaddr *)&address, text);
    assert_string_equal(text, "unknown");
    peer("::ffff:192.0.2.1", &address);
    cidr_format_address((const struct sockaddr *)&address, text);
    assert_string_equal(text, "192.0.2.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_hold_their_addresses),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(other_families_are_in_no_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

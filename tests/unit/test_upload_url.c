#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/dump/upload_url.h"
#include "shared/mem.h"

static const struct upload_names names = {
    .host = "pod/1 x", .time = "20261125T194840Z", .namespace = "ns", .kind = "digests"};

static void check(const char *pattern, int code, const char *says)
{
    struct error err = ERROR_INIT;
    assert_int_equal(upload_url_check(pattern, &err), code);
    if (strstr(err.text, says) == NULL || strstr(err.text, "secret") != NULL)
        fail_msg("%s: %s", pattern, err.text);
}

static void urls_are_checked(void **state)
{
    (void)state;
    check("https://host/path", 0, "");
    check("https://host:8443/%n/%h-%t-%k.csv?X-Sig=secret%2F", 0, "");
    check("http://127.0.0.1:80/x", 0, "");
    check("http://[::1]/x", 0, "");
    check("http://localhost/x", 0, "");
    check("http://host/x", -EINVAL, "http and its host");
    check("http://128.0.0.1/x?secret", -EINVAL, "http and its host");
    check("ftp://host/x?secret", -EINVAL, "not an https URL");
    check("/x?secret", -EINVAL, "not an https URL");
    check("", -EINVAL, "not an https URL");
    check("https://me:secret@host/x", -EINVAL, "user name");
    check("https://host/%x?secret", -EINVAL, "\"%x\"");
    check("https://host/%", -EINVAL, "\"%\"");
    check("https://host/%4", -EINVAL, "\"%4\"");
    check("https://host/\x01secret", -EINVAL, "not an https URL");
}

static void check_expanded(const char *pattern, const char *expected)
{
    cleanup_free char *url = upload_url_expand(pattern, &names);
    assert_string_equal(url, expected);
}

static void names_are_put_in(void **state)
{
    (void)state;
    check_expanded("https://h/%n/%h-%t-%k.csv", "https://h/ns/pod%2F1%20x-20261125T194840Z-digests.csv");
    check_expanded("https://h/a%2Fb?c=%20", "https://h/a%2Fb?c=%20");
    check_expanded("%", "%");
    assert_true(upload_url_tells_kinds("https://h/%k"));
    assert_false(upload_url_tells_kinds("https://h/%h"));
}

static void check_shown(const char *url, const char *expected)
{
    cleanup_free char *shown = upload_url_shown(url);
    assert_string_equal(shown, expected);
}

static void secrets_are_not_shown(void **state)
{
    (void)state;
    check_shown("https://h:1/p?secret", "https://h:1/p");
    check_shown("https://h/p#secret", "https://h/p");
    check_shown("https://h?secret", "https://h");
    check_shown("https://me:se@cret@h/p@q?secret", "https://h/p@q");
    check_shown("no url?secret", "no url");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_checked),
        cmocka_unit_test(names_are_put_in),
        cmocka_unit_test(secrets_are_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

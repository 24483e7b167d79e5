#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/http/access.h"
#include "shared/compiler.h"

#define TOKEN "c2VjcmV0.-_~+/=="

/* One request: what is configured, what it carries, what it is told. */
struct row {
    enum http_access_rule rule;
    const char *allow; /* NULL: the list is empty */
    bool token_configured;
    const char *token;
    const char *authorization; /* NULL: none */
    int http_status;
    const char *reason;
};

static const struct row rows[] = {
    /* /shutdown: the list and the token both count, if they are there */
    {HTTP_ACCESS_SHUTDOWN, NULL, false, NULL, NULL, 200, ""},
    {HTTP_ACCESS_SHUTDOWN, NULL, false, NULL, "Bearer x", 200, ""},
    {HTTP_ACCESS_SHUTDOWN, "192.0.2.0/24", false, NULL, NULL, 200, ""},
    {HTTP_ACCESS_SHUTDOWN, "198.51.100.0/24", false, NULL, NULL, 403, "192.0.2.7 is not in api.shutdown_allow"},
    {HTTP_ACCESS_SHUTDOWN, "198.51.100.0/24", true, TOKEN, "Bearer " TOKEN, 403,
     "192.0.2.7 is not in api.shutdown_allow"},
    {HTTP_ACCESS_SHUTDOWN, NULL, true, TOKEN, NULL, 401, "a bearer token is needed"},
    {HTTP_ACCESS_SHUTDOWN, "192.0.2.0/24", true, TOKEN, NULL, 401, "a bearer token is needed"},
    {HTTP_ACCESS_SHUTDOWN, NULL, true, TOKEN, "Bearer " TOKEN, 200, ""},
    /* POST /api/v1: one of them is enough, and without any nobody may */
    {HTTP_ACCESS_CHANGE, NULL, false, NULL, NULL, 403,
     "192.0.2.7 is not in api.shutdown_allow, and no api.token_file is set"},
    {HTTP_ACCESS_CHANGE, NULL, false, NULL, "Bearer " TOKEN, 403,
     "192.0.2.7 is not in api.shutdown_allow, and no api.token_file is set"},
    {HTTP_ACCESS_CHANGE, "192.0.2.0/24", false, NULL, NULL, 200, ""},
    {HTTP_ACCESS_CHANGE, "192.0.2.0/24", true, TOKEN, NULL, 200, ""},
    {HTTP_ACCESS_CHANGE, "192.0.2.0/24", true, TOKEN, "Bearer wrong", 200, ""},
    {HTTP_ACCESS_CHANGE, "198.51.100.0/24", true, TOKEN, "Bearer " TOKEN, 200, ""},
    {HTTP_ACCESS_CHANGE, NULL, true, TOKEN, "Bearer " TOKEN, 200, ""},
    {HTTP_ACCESS_CHANGE, NULL, true, TOKEN, "bEARER   " TOKEN "  ", 200, ""},
    {HTTP_ACCESS_CHANGE, NULL, true, TOKEN, NULL, 401, "a bearer token is needed"},
    {HTTP_ACCESS_CHANGE, NULL, true, TOKEN, "Bearer " TOKEN "x", 401,
     "the bearer token is not the one of api.token_file"},
    {HTTP_ACCESS_CHANGE, NULL, true, TOKEN, "Bearer c2VjcmV0", 401,
     "the bearer token is not the one of api.token_file"},
    {HTTP_ACCESS_CHANGE, NULL, true, TOKEN, "Bearer", 401, "the Authorization header is not Bearer and a token"},
    {HTTP_ACCESS_CHANGE, NULL, true, TOKEN, "Bearer ", 401, "the Authorization header is not Bearer and a token"},
    {HTTP_ACCESS_CHANGE, NULL, true, TOKEN, "Bearer a b", 401, "the Authorization header is not Bearer and a token"},
    {HTTP_ACCESS_CHANGE, NULL, true, TOKEN, "Basic " TOKEN, 401, "the Authorization header is not Bearer and a token"},
    {HTTP_ACCESS_CHANGE, NULL, true, TOKEN, TOKEN, 401, "the Authorization header is not Bearer and a token"},
    {HTTP_ACCESS_CHANGE, NULL, true, TOKEN, "", 401, "the Authorization header is not Bearer and a token"},
    {HTTP_ACCESS_CHANGE, NULL, true, NULL, "Bearer x", 401,
     "no token is taken: api.token_file cannot be used, the agent's log says why"},
};

static struct access_question question_of(const struct row *row, const struct string_list *allow,
                                          const struct sockaddr_in *peer)
{
    return (struct access_question){.rule = row->rule,
                                    .peer = (const struct sockaddr *)peer,
                                    .allow = allow,
                                    .token_configured = row->token_configured,
                                    .token = row->token,
                                    .has_authorization = row->authorization != NULL,
                                    .authorization = row->authorization,
                                    .authorization_len = row->authorization == NULL ? 0 : strlen(row->authorization)};
}

static void who_may_do_what(void **state)
{
    (void)state;
    struct sockaddr_in peer = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, "192.0.2.7", &peer.sin_addr), 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char network[64];
        (void)snprintf(network, sizeof(network), "%s", rows[i].allow == NULL ? "" : rows[i].allow);
        char *items[] = {(char[]){"2001:db8::/32"}, network};
        const struct string_list allow = {.items = items, .count = rows[i].allow == NULL ? 0 : 2};
        const struct access_question question = question_of(&rows[i], &allow, &peer);
        struct access_answer answer;
        access_judge(&question, &answer);
        if (answer.http_status != rows[i].http_status || strcmp(answer.reason, rows[i].reason) != 0)
            fail_msg("row %zu: %d \"%s\"", i, answer.http_status, answer.reason);
    }
}

static void two_authorizations_are_none(void **state)
{
    (void)state;
    struct sockaddr_in peer = {.sin_family = AF_INET};
    const struct string_list nobody = {.count = 0};
    struct access_question question = question_of(&rows[14], &nobody, &peer);
    question.authorization = NULL;
    question.has_authorization = true;
    struct access_answer answer;
    access_judge(&question, &answer);
    assert_int_equal(answer.http_status, 401);
    assert_string_equal(answer.reason, "more than one Authorization header");
}

/* What the file holds, and the token that is read; NULL: refused. */
static const struct {
    const char *content;
    const char *token;
} files[] = {
    {TOKEN, TOKEN},      {TOKEN "\n", TOKEN}, {"  \t" TOKEN " \r\n\n", TOKEN}, {"", NULL},     {" \n", NULL},
    {"two words", NULL}, {"a\nb", NULL},      {"t\303\266ken", NULL},          {"a\"b", NULL},
};

static void a_token_file_is_read_strictly(void **state)
{
    (void)state;
    char path[] = "/tmp/access-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, files[i].content, strlen(files[i].content), 0), strlen(files[i].content));
        struct error err = ERROR_INIT;
        cleanup_buf struct buf token;
        buf_init(&token, ACCESS_TOKEN_MAX);
        int rc = access_read_token(path, &token, &err);
        if (files[i].token == NULL) {
            assert_int_equal(rc, -EINVAL);
            assert_non_null(strstr(err.text, path));
        } else {
            assert_int_equal(rc, 0);
            assert_string_equal(token.data, files[i].token);
        }
    }
    assert_int_equal(ftruncate(fd, ACCESS_TOKEN_MAX + 1), 0);
    cleanup_buf struct buf large;
    buf_init(&large, ACCESS_TOKEN_MAX);
    assert_int_equal(access_read_token(path, &large, NULL), -EFBIG);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(close(fd), 0);
    cleanup_buf struct buf none;
    buf_init(&none, ACCESS_TOKEN_MAX);
    assert_int_equal(access_read_token(path, &none, NULL), -ENOENT);
}

static void a_token_has_a_limit(void **state)
{
    (void)state;
    enum { scheme_len = 7 };
    char *value = malloc(scheme_len + ACCESS_TOKEN_MAX + 1);
    assert_non_null(value);
    memcpy(value, "Bearer ", scheme_len);
    memset(value + scheme_len, 'a', ACCESS_TOKEN_MAX + 1);
    const char *token;
    size_t len;
    assert_int_equal(access_parse_bearer(value, scheme_len + ACCESS_TOKEN_MAX, &token, &len), 0);
    assert_int_equal(len, ACCESS_TOKEN_MAX);
    assert_int_equal(access_parse_bearer(value, scheme_len + ACCESS_TOKEN_MAX + 1, &token, &len), -EINVAL);
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_do_what),
        cmocka_unit_test(two_authorizations_are_none),
        cmocka_unit_test(a_token_file_is_read_strictly),
        cmocka_unit_test(a_token_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

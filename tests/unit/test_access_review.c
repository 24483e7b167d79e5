#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "daemon/discovery/access_review.h"
#include "shared/clock.h"

#define ANSWER(kind, rest) "{\"kind\":\"" kind "\",\"apiVersion\":\"authorization.k8s.io/v1\"" rest "}"
#define REVIEW(status)     ANSWER("SelfSubjectAccessReview", ",\"spec\":{},\"status\":" status)

static const struct kube_target target = {"update", "coordination.k8s.io", "leases", "db", KUBE_LEASE_VERBS};

static void question_names_everything(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    cleanup_buf struct buf out;
    buf_init(&out, BUF_MAX);
    assert_int_equal(access_review_write(&target, "proxysql-agent", &out, &err), 0);
    assert_string_equal(out.data, "{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":\"SelfSubjectAccessReview\","
                                  "\"spec\":{\"resourceAttributes\":{\"namespace\":\"db\",\"verb\":\"update\","
                                  "\"group\":\"coordination.k8s.io\",\"resource\":\"leases\",\"name\":"
                                  "\"proxysql-agent\"}}}");
}

static void answer_is_yes_or_no(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool allowed;
    } rows[] = {
        {REVIEW("{\"allowed\":true,\"reason\":\"RBAC: allowed\"}"), true},
        {REVIEW("{\"allowed\":true,\"evaluationError\":\"one webhook is away\"}"), true},
        {REVIEW("{\"allowed\":false}"), false},
        {REVIEW("{\"allowed\":false,\"denied\":true}"), false},
        {REVIEW("{\"allowed\":false,\"evaluationError\":\"\"}") "\n", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err = ERROR_INIT;
        bool allowed = !rows[i].allowed;
        if (access_review_parse(rows[i].text, strlen(rows[i].text), &allowed, &err) != 0)
            fail_msg("%s: %s", rows[i].text, err.text);
        assert_int_equal(allowed, rows[i].allowed);
    }
}

static void everything_else_is_no_answer(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
        const char *error;
    } rows[] = {
        {"", -EBADMSG, "no whole JSON object"},
        {"[]", -EBADMSG, "access review"},
        {REVIEW("{\"allowed\":true}") "{}", -EBADMSG, "more than one object"},
        {REVIEW("{}"), -EBADMSG, "does not say allowed or not"},
        {REVIEW("{\"allowed\":\"true\"}"), -EBADMSG, "does not say allowed or not"},
        {REVIEW("null"), -EBADMSG, "does not say allowed or not"},
        {ANSWER("SubjectAccessReview", ",\"status\":{\"allowed\":true}"), -EBADMSG, "not a SelfSubjectAccessReview"},
        {REVIEW("{\"allowed\":false,\"evaluationError\":\"the webhook\\nis away\"}"), -EIO, ": the webhook is away"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err = ERROR_INIT;
        bool allowed;
        assert_int_equal(access_review_parse(rows[i].text, strlen(rows[i].text), &allowed, &err), rows[i].code);
        if (strstr(err.text, rows[i].error) == NULL)
            fail_msg("%s: \"%s\" instead of \"%s\"", rows[i].text, err.text, rows[i].error);
    }
}

static void nobody_is_waited_for_beyond_the_deadline(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct access_review *review;
    bool allowed;
    const struct kube_client_options options = {.api_server = "http://127.0.0.1:1", .token_file = "", .ca_file = ""};
    assert_int_equal(access_review_new(&review, &options, &err), 0);
    assert_int_equal(access_review_ask(review, &target, "", clock_mono_ms() - 1, &allowed, &err), -ETIMEDOUT);
    error_clear(&err);
    assert_int_equal(access_review_ask(review, &target, "", clock_mono_ms() + 10000, &allowed, &err), -ECONNREFUSED);
    access_review_free(review);
    access_review_free(NULL);
    error_clear(&err);
    const struct kube_client_options bad = {.api_server = "ftp://x", .token_file = "", .ca_file = ""};
    assert_int_equal(access_review_new(&review, &bad, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(question_names_everything),
        cmocka_unit_test(answer_is_yes_or_no),
        cmocka_unit_test(everything_else_is_no_answer),
        cmocka_unit_test(nobody_is_waited_for_beyond_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "daemon/discovery/access_review.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/discovery/json_whole.h"
#include "shared/clock.h"
#include "shared/mem.h"

static const char path[] = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
static const char api_version[] = "authorization.k8s.io/v1";
static const char kind[] = "SelfSubjectAccessReview";

static const struct kube_target itself = {"create", "authorization.k8s.io", "selfsubjectaccessreviews", "",
                                          "\"create\""};

struct access_review {
    struct kube_client *client;
    struct kube_request *request;
    struct buf body;
    struct kube_answer answer;
    bool done;
};

/* --- the question and its answer */

int access_review_write(const struct kube_target *t, const char *name, struct buf *out, struct error *err)
{
    cleanup_json json_t *root = json_pack("{s:s, s:s, s:{s:{s:s, s:s, s:s, s:s, s:s}}}", "apiVersion", api_version,
                                          "kind", kind, "spec", "resourceAttributes", "namespace", t->namespace, "verb",
                                          t->verb, "group", t->group, "resource", t->resource, "name", name);
    cleanup_free char *text = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);
    if (text == NULL || buf_puts(out, text) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    return 0;
}

static bool is_text(const json_t *object, const char *key, const char *text)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* What it could not evaluate, cut, without control characters; "" when it could. */
static void evaluation_error(const json_t *status, char *ret_text, size_t size)
{
    const char *text = json_string_value(json_object_get(status, "evaluationError"));
    size_t len = 0;
    for (; text != NULL && text[len] != '\0' && len + 1 < size; len++)
        ret_text[len] = iscntrl((unsigned char)text[len]) ? ' ' : text[len];
    ret_text[len] = '\0';
}

/* It may be allowed in spite of an error, but it is not denied because of one. */
int access_review_parse(const char *text, size_t len, bool *ret_allowed, struct error *err)
{
    cleanup_json json_t *root = NULL;
    char why[128];
    int rc = json_whole_load("access review", text, len, ACCESS_REVIEW_BYTES_MAX, &root, err);
    if (rc < 0)
        return rc;
    const json_t *status = json_object_get(root, "status");
    const json_t *allowed = json_object_get(status, "allowed");
    if (!is_text(root, "kind", kind) || !is_text(root, "apiVersion", api_version))
        return error_set(err, -EBADMSG, "access review: not a %s of %s", kind, api_version);
    if (!json_is_boolean(allowed))
        return error_set(err, -EBADMSG, "access review: its status does not say allowed or not");
    evaluation_error(status, why, sizeof(why));
    if (json_is_false(allowed) && why[0] != '\0')
        return error_set(err, -EIO, "access review: the API server could not decide: %s", why);
    *ret_allowed = json_is_true(allowed);
    return 0;
}

/* --- asking */

static int on_data(void *arg, const char *data, size_t len, struct error *err)
{
    struct access_review *r = arg;
    int rc = buf_append(&r->body, data, len);
    return rc < 0 ? error_set(err, rc, "access review: more than %zu bytes", r->body.max) : 0;
}

static void on_done(void *arg, const struct kube_answer *answer)
{
    struct access_review *r = arg;
    r->answer = *answer;
    r->done = true;
}

static const struct kube_handler handler = {.on_data = on_data, .on_done = on_done};

int access_review_new(struct access_review **ret_review, const struct kube_client_options *options, struct error *err)
{
    struct kube_client *client;
    int rc = kube_client_new(&client, options, err);
    if (rc < 0)
        return rc;
    struct access_review *r = xcalloc(1, sizeof(*r));
    r->client = client;
    r->request = kube_request_new(client, &handler, r);
    buf_init(&r->body, ACCESS_REVIEW_BYTES_MAX);
    *ret_review = r;
    return 0;
}

void access_review_free(struct access_review *r)
{
    if (r == NULL)
        return;
    kube_request_free(r->request);
    kube_client_free(r->client);
    buf_fini(&r->body);
    free(r);
}

static int wait_done(struct access_review *r, int64_t deadline_ms, struct error *err)
{
    for (int left_ms; !r->done && (left_ms = clock_left_ms(deadline_ms)) > 0;)
        kube_client_poll(r->client, left_ms);
    if (!r->done) {
        kube_request_cancel(r->request);
        return error_set(err, -ETIMEDOUT, "no answer in time");
    }
    if (r->answer.status == 403) /* no Role of a namespace could grant it */
        return error_set(err, -EACCES, "403 Forbidden: may not create %s; system:basic-user usually allows it to all",
                         itself.resource);
    *err = r->answer.err;
    return err->code;
}

int access_review_ask(struct access_review *r, const struct kube_target *target, const char *name, int64_t deadline_ms,
                      bool *ret_allowed, struct error *err)
{
    cleanup_buf struct buf question;
    buf_init(&question, BUF_MAX);
    int rc = access_review_write(target, name, &question, err);
    int left_ms = clock_left_ms(deadline_ms);
    if (rc == 0 && left_ms <= 0)
        rc = error_set(err, -ETIMEDOUT, "no answer in time");
    if (rc < 0)
        return rc;
    const struct kube_call call = {
        .method = "POST", .path = path, .body = question.data, .target = &itself, .timeout_ms = left_ms};
    r->done = false;
    buf_reset(&r->body);
    rc = kube_request_start(r->request, &call, err);
    if (rc == 0)
        rc = wait_done(r, deadline_ms, err);
    return rc < 0 ? rc : access_review_parse(r->body.data, r->body.len, ret_allowed, err);
}

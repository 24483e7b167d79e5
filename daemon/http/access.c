#include "daemon/http/access.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "shared/cidr.h"
#include "shared/file.h"
#include "shared/log.h"

/* What is logged of requests that are refused, or that everybody may make, a minute. */
enum { lines_a_minute = 5, minute_ms = 60 * 1000 };

/* The characters of a bearer token, b64token in RFC 6750, 2.1. */
static bool is_token(const char *text, size_t len)
{
    bool good = len > 0 && len <= ACCESS_TOKEN_MAX;
    for (size_t i = 0; good && i < len; i++)
        good = isalnum((unsigned char)text[i]) || (text[i] != '\0' && strchr("-._~+/=", text[i]) != NULL);
    return good;
}

int access_parse_bearer(const char *value, size_t len, const char **ret_token, size_t *ret_len)
{
    static const char scheme[] = "Bearer ";
    size_t at = sizeof(scheme) - 1;
    if (len <= at || strncasecmp(value, scheme, at) != 0)
        return -EINVAL;
    while (at < len && value[at] == ' ')
        at++;
    while (len > at && value[len - 1] == ' ')
        len--;
    if (!is_token(value + at, len - at))
        return -EINVAL;
    *ret_token = value + at;
    *ret_len = len - at;
    return 0;
}

int access_read_token(const char *path, struct buf *out, struct error *err)
{
    int rc = file_read(path, out, err);
    if (rc < 0)
        return rc;
    while (out->len > 0 && isspace((unsigned char)out->data[out->len - 1]))
        out->data[--out->len] = '\0';
    size_t blanks = 0;
    while (isspace((unsigned char)out->data[blanks]))
        blanks++;
    buf_consume(out, blanks);
    if (!is_token(out->data, out->len))
        return error_set(err, -EINVAL, "%s: %s", path,
                         out->len == 0 ? "is empty" : "holds characters that a bearer token cannot have");
    return 0;
}

/* Takes the same time wherever they differ; how long the right one is shows at most. */
static bool equal_tokens(const char *right, const char *given, size_t given_len)
{
    size_t right_len = strlen(right);
    size_t difference = right_len ^ given_len;
    for (size_t i = 0; i < given_len; i++)
        difference |= (size_t)((unsigned char)right[right_len == 0 ? 0 : i % right_len] ^ (unsigned char)given[i]);
    return difference == 0;
}

static bool is_allowed(const struct access_question *q)
{
    for (size_t i = 0; i < q->allow->count; i++) {
        struct cidr cidr;
        if (cidr_parse(q->allow->items[i], &cidr, NULL) == 0 && cidr_contains(&cidr, q->peer))
            return true;
    }
    return false;
}

static void refuse(struct access_answer *a, int http_status, const char *reason)
{
    a->http_status = http_status;
    (void)snprintf(a->reason, sizeof(a->reason), "%s", reason);
}

static void refuse_address(const struct access_question *q, struct access_answer *a, const char *besides)
{
    char peer[CIDR_TEXT_SIZE];
    cidr_format_address(q->peer, peer);
    a->http_status = 403;
    (void)snprintf(a->reason, sizeof(a->reason), "%s is not in api.shutdown_allow%s", peer, besides);
}

static void judge_token(const struct access_question *q, struct access_answer *a)
{
    const char *token;
    size_t len;
    if (!q->has_authorization) {
        refuse(a, 401, "a bearer token is needed");
    } else if (q->authorization == NULL) {
        refuse(a, 401, "more than one Authorization header");
    } else if (access_parse_bearer(q->authorization, q->authorization_len, &token, &len) < 0) {
        refuse(a, 401, "the Authorization header is not Bearer and a token");
    } else if (q->token == NULL) {
        refuse(a, 401, "no token is taken: api.token_file cannot be used, the agent's log says why");
    } else if (!equal_tokens(q->token, token, len)) {
        a->wrong_token = true;
        refuse(a, 401, "the bearer token is not the one of api.token_file");
    }
}

void access_judge(const struct access_question *q, struct access_answer *a)
{
    *a = (struct access_answer){.http_status = 200};
    bool allowed = is_allowed(q);
    if (q->rule == HTTP_ACCESS_CHANGE) {
        if (allowed)
            return;
        if (q->token_configured)
            judge_token(q, a);
        else
            refuse_address(q, a, ", and no api.token_file is set");
        return;
    }
    if (q->allow->count > 0 && !allowed)
        refuse_address(q, a, "");
    else if (q->token_configured)
        judge_token(q, a);
}

/* The token, or NULL with a line in the log. */
static const char *read_token(const struct config *config, struct buf *out)
{
    static struct log_limit limit = LOG_LIMIT_INIT(lines_a_minute, minute_ms);
    struct error err = ERROR_INIT;
    uint64_t suppressed;
    buf_init(out, ACCESS_TOKEN_MAX);
    if (config->api.token_file[0] == '\0')
        return NULL;
    if (access_read_token(config->api.token_file, out, &err) == 0)
        return out->data;
    if (log_limit_pass(&limit, &suppressed))
        log_error("api.token_file cannot be used, so no token is taken", LOG_STR("error", err.text),
                  LOG_INT("not_logged", suppressed));
    return NULL;
}

static void ask(struct http_request *request, const struct config *config, enum http_access_rule rule,
                const struct sockaddr *peer, struct access_answer *ret_answer)
{
    struct buf token;
    struct access_question question = {
        .rule = rule,
        .peer = peer,
        .allow = &config->api.shutdown_allow,
        .token_configured = config->api.token_file[0] != '\0',
        .token = read_token(config, &token),
    };
    int rc = http_request_header(request, "authorization", &question.authorization, &question.authorization_len);
    question.has_authorization = rc != -ENOENT;
    access_judge(&question, ret_answer);
    explicit_bzero(token.data, token.len);
    buf_fini(&token);
}

static void log_refused(const char *path, const char *peer, const struct access_answer *answer)
{
    static struct log_limit limit = LOG_LIMIT_INIT(lines_a_minute, minute_ms);
    uint64_t suppressed;
    if (log_limit_pass(&limit, &suppressed))
        log_warn("an HTTP request is refused", LOG_STR("path", path), LOG_STR("peer", peer),
                 LOG_INT("status", answer->http_status), LOG_STR("reason", answer->reason),
                 LOG_INT("not_logged", suppressed));
}

static bool is_open(const struct config *config)
{
    return config->api.shutdown_allow.count == 0 && config->api.token_file[0] == '\0';
}

static void log_open(const char *peer)
{
    static struct log_limit limit = LOG_LIMIT_INIT(lines_a_minute, minute_ms);
    uint64_t suppressed;
    if (log_limit_pass(&limit, &suppressed))
        log_warn("/shutdown is asked for, and everybody may: set api.shutdown_allow or api.token_file",
                 LOG_STR("peer", peer), LOG_INT("not_logged", suppressed));
}

void http_access_warn(const struct config *config)
{
    if (is_open(config))
        log_warn("everybody who reaches the HTTP port may use /shutdown: set api.shutdown_allow or api.token_file");
}

static void reply_refused(struct http_request *request, const struct access_answer *answer)
{
    if (answer->http_status == 401)
        http_reply_header(request, "www-authenticate",
                          answer->wrong_token ? "Bearer realm=\"proxysql-agent\", error=\"invalid_token\""
                                              : "Bearer realm=\"proxysql-agent\"");
    http_reply_error(request, answer->http_status, answer->reason);
}

bool http_access_check(struct http_request *request, const struct config *config, enum http_access_rule rule)
{
    struct sockaddr_storage address;
    struct access_answer answer;
    char path[256];
    char peer[CIDR_TEXT_SIZE];
    http_request_peer(request, &address);
    http_request_path(request, path);
    cidr_format_address((const struct sockaddr *)&address, peer);
    ask(request, config, rule, (const struct sockaddr *)&address, &answer);
    if (answer.http_status != 200) {
        log_refused(path, peer, &answer);
        reply_refused(request, &answer);
        return false;
    }
    if (rule == HTTP_ACCESS_SHUTDOWN && is_open(config))
        log_open(peer);
    return true;
}

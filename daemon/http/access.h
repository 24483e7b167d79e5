#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "daemon/config/config.h"
#include "daemon/http/http_server.h"
#include "shared/buf.h"

/*
 * Who may do what over HTTP: by address (api.shutdown_allow), by bearer token (api.token_file). The peer's address is
 * the connection's; what proxies say about clients is not believed. docs/http-api.md has the table for users.
 */
enum http_access_rule {
    HTTP_ACCESS_SHUTDOWN, /* /shutdown: an empty list is everybody; with a token configured it is needed as well */
    HTTP_ACCESS_CHANGE,   /* POST /api/v1/...: the token or an address of the list; an empty list is nobody */
};

/* Whether the request may go on. If not it was answered (401, 403, with the reason in words) and a rate-limited line
 * was logged. A /shutdown that is open to everybody is warned of, rate-limited. Loop thread. */
bool http_access_check(struct http_request *request, const struct config *config, enum http_access_rule rule);

/* Say at start that /shutdown is open to everybody, if it is. */
void http_access_warn(const struct config *config);

/* --- the pure parts, for tests */

enum {
    ACCESS_TOKEN_MAX = 4096, /* bytes of a token, and of its file, at most */
    ACCESS_REASON_SIZE = 128,
};

struct access_question {
    enum http_access_rule rule;
    const struct sockaddr *peer;
    const struct string_list *allow;
    bool token_configured;
    const char *token; /* NULL: api.token_file cannot be used, so no token is right */
    bool has_authorization;
    const char *authorization; /* not ended by a NUL; NULL with has_authorization: several of them */
    size_t authorization_len;
};

struct access_answer {
    int http_status;  /* 200 = may go on, 401, 403 */
    bool wrong_token; /* a token was given, and it is not the right one */
    char reason[ACCESS_REASON_SIZE];
};

void access_judge(const struct access_question *question, struct access_answer *ret_answer);

/* The token of "Bearer TOKEN" (RFC 6750, 2.1; the scheme in any case). 0 or -EINVAL. */
MUST_CHECK int access_parse_bearer(const char *value, size_t len, const char **ret_token, size_t *ret_len);

/* Append the token that the file holds: RFC 6750's characters, blanks and line ends around it ignored. 0; -EINVAL when
 * it holds none or something else; what file_read() says. */
MUST_CHECK int access_read_token(const char *path, struct buf *out, struct error *err);

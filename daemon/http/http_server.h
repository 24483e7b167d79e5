#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "daemon/http/http_counts.h"
#include "daemon/http/http_limits.h"
#include "daemon/http/http_tls.h"
#include "shared/compiler.h"
#include "shared/error.h"

/*
 * The HTTP side of the agent: HTTP/1.1 and HTTP/2 (h2c by prior knowledge or upgrade, h2 by ALPN over TLS) on one port,
 * from one loop thread. The files that include http_private.h are the only ones that know libh2o. docs/http.md has the
 * limits.
 *
 * Routes are exact paths (the query is ignored). A method that a route does not take is answered 405 with Allow, an
 * unknown path 404, both as JSON `{"message":"...","status":"error"}`; a HEAD is answered like the GET, without the
 * body.
 *
 * Handlers run on the loop thread and must not block. They either reply at once or defer; then any thread wakes the
 * request, and its resume function replies on the loop thread.
 */
enum {
    HTTP_ENTITY_BYTES_MAX = 64 * 1024,   /* a longer request body is answered 413; on HTTP/2 its stream is reset */
    HTTP_REPLY_BYTES_MAX = 1024 * 1024,  /* of a reply made by us */
    HTTP_MESSAGE_MAX = 1024,             /* of http_reply_error() */
    HTTP_REQUEST_TIMEOUT_MS = 10 * 1000, /* to receive a whole request, to take a reply, to keep an idle connection */
    HTTP_CONNECTIONS_MAX = 128,          /* one more ends the connection idle longest; none idle: it waits */
    HTTP_CONNECTION_AGE_MS = 3600 * 1000 /* an older connection ends with its next pause */
};

enum http_method {                         /* bits */
                   HTTP_GET_ONLY = 1 << 0, /* where a HEAD would act */
                   HTTP_HEAD = 1 << 1,
                   HTTP_POST = 1 << 2,
                   HTTP_GET = HTTP_GET_ONLY | HTTP_HEAD,
};

struct http_request;

typedef void http_handler_fn(void *context, struct http_request *request);

struct http_route {
    const char *path; /* NULL ends a table */
    unsigned methods; /* HTTP_ bits */
    bool patient; /* until it replies no timer ends the connection, and nobody's need for a place: it bounds itself */
    http_handler_fn *handler;
};

struct http_server_options {
    /* numeric IPv4 or IPv6; "" = every address, IPv6 and IPv4 on one socket where the system can */
    const char *address;
    uint16_t port;                   /* 0 = any free one, see http_server_port() */
    const struct http_route *routes; /* a path may have several rows, for other methods; kept, not copied */
    void *context;                   /* handed to handlers */
    unsigned max_connections;        /* 0 = HTTP_CONNECTIONS_MAX */
    int64_t request_timeout_ms;      /* 0 = HTTP_REQUEST_TIMEOUT_MS */
    int64_t connection_age_ms;       /* 0 = HTTP_CONNECTION_AGE_MS */
    bool http1_only;
    const char *tls_cert_file; /* PEM, read again when it changes; NULL = no TLS */
    const char *tls_key_file;
};

struct http_server_stats {
    unsigned connections;
    unsigned connections_max;
    uint64_t accepted; /* connections */
    uint64_t limit_hits[HTTP_LIMITS];
    bool tls;
    uint64_t handshake_failures;
    struct http_tls_stats certificate; /* zeros without TLS */
};

struct http_server;

/* Bind and listen; who connects waits until http_server_start(). -EADDRINUSE, -EINVAL (not an address), -EACCES,
 * -EMFILE and the like; the text names address and port. */
MUST_CHECK int http_server_listen(struct http_server **ret_server, const struct http_server_options *options,
                                  struct error *err);

/* Start the loop thread; once. -EAGAIN when there is no thread to be had. */
MUST_CHECK int http_server_start(struct http_server *server, struct error *err);

/* The port that it listens on. Thread-safe. */
uint16_t http_server_port(const struct http_server *server);

/* Thread-safe, until http_server_free(). */
void http_server_get_stats(const struct http_server *server, struct http_server_stats *ret_stats);
void http_server_each_count(const struct http_server *server, http_count_fn *each, void *arg);

/* Stop accepting, finish what is being answered within grace_ms, close everything, join the thread. Deferred requests
 * that are still open when the grace is over are resumed then. Takes at most one second more. Once, also when it was
 * not started. */
void http_server_stop(struct http_server *server, int64_t grace_ms);

/* After http_server_stop(), and after every deferred request was woken. NULL is fine. */
void http_server_free(struct http_server *server);

/* Reply with a whole body, at most HTTP_REPLY_BYTES_MAX, which is copied like content_type. Loop thread; once for each
 * request, which is not to be touched afterwards. */
void http_reply(struct http_request *request, int status, const char *content_type, const void *body, size_t len);

/* The same with `{"message":"...","status":"error"}`; message is cut to HTTP_MESSAGE_MAX bytes. */
void http_reply_error(struct http_request *request, int status, const char *message);

/* Add a header to the reply that follows; both texts are copied. name in lower case. Loop thread. */
void http_reply_header(struct http_request *request, const char *name, const char *value);

/* The client's end of the connection; AF_UNSPEC when it is not known. Loop thread. */
void http_request_peer(struct http_request *request, struct sockaddr_storage *ret_address);

/* The value of a header (name in lower case), not ended by a NUL, valid until the reply. 0; -ENOENT without one;
 * -EEXIST when there are several. Loop thread. */
MUST_CHECK int http_request_header(struct http_request *request, const char *name, const char **ret_value,
                                   size_t *ret_len);

/* The request's body, at most HTTP_ENTITY_BYTES_MAX, not ended by a NUL, valid until the reply. Loop thread. */
void http_request_body(struct http_request *request, const char **ret_body, size_t *ret_len);

/* The server that it came to. */
const struct http_server *http_request_server(const struct http_request *request);

/* The present turn of the event loop: the same number in everything that is handled together. Loop thread. */
uint64_t http_server_turn(const struct http_server *server);

/* For logs: the path without query (at most 255 bytes, unescaped bytes as they came). Loop thread. */
void http_request_path(struct http_request *request, char ret_path[static 256]);

struct http_deferred;

/* Reply later: resume(context, request) runs on the loop thread after http_deferred_wake() or at the deadline
 * (timeout_ms from now), whichever is first, and then exactly once; never when the client has gone before. Call it from
 * a handler, at most once for each request; resume has to reply. */
struct http_deferred *http_defer(struct http_request *request, int64_t timeout_ms, http_handler_fn *resume);

/* The same with data, the deferred's from now on: data_free(data) follows once it was woken and resume, if it ran, has
 * returned. Whoever wakes may write to it until then, so that what resume reads of it at a deadline needs a guard. */
struct http_deferred *http_defer_with(struct http_request *request, int64_t timeout_ms, http_handler_fn *resume,
                                      void *data, void (*data_free)(void *data));

/* That data: for who wakes, until it does; and for resume. */
void *http_deferred_data(struct http_deferred *deferred);
void *http_request_data(struct http_request *request);

/* Thread-safe; exactly once for each http_defer(), also when the client or the server has gone meanwhile. */
void http_deferred_wake(struct http_deferred *deferred);

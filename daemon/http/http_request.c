#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/http/http_private.h"
#include "shared/clock.h"
#include "shared/json_writer.h"
#include "shared/mem.h"

/* It comes with the next turn of the loop; nobody has waited longer for one. */
enum { turn_timeout_ms = 1000 };

/*
 * lifetime_note: a request lives in libh2o's memory pool and goes with it: when its answer is sent, when an HTTP/2
 * client resets the stream (at once), when the connection closes. on_dispose() is told, and takes the request away from
 * its deferred, which lives on until it is woken. An HTTP/1.1 client that leaves is noticed only when its answer is
 * sent.
 */
struct http_request {
    h2o_req_t *h2o;
    struct http_link *link;
    const struct http_route *route; /* NULL: of no route */
    struct http_deferred *deferred; /* NULL unless waiting to be resumed */
    void *data;                     /* of the deferred, while it is resumed */
    bool answered;
    bool patient;
    size_t held; /* bytes that count as the connection's */
};

struct http_deferred {
    h2o_multithread_message_t message;
    TAILQ_ENTRY(http_deferred) link; /* while request or abandoned_by is set */
    struct http_server *server;
    struct http_request *request;   /* NULL when resumed or gone; loop thread */
    struct http_link *abandoned_by; /* whose request has gone before it was woken; NULL when that has gone as well */
    http_handler_fn *resume;
    int64_t deadline_ms;
    void *data;
    void (*data_free)(void *data); /* NULL: there is none */
};

struct route_handler {
    h2o_handler_t h2o;
    struct http_server *server;
};

struct library_answers {
    h2o_logger_t h2o;
    struct http_server *server;
};

static struct http_request *deferred_detach(struct http_deferred *d)
{
    struct http_request *request = d->request;
    if (request == NULL)
        return NULL;
    TAILQ_REMOVE(&d->server->deferred, d, link);
    request->deferred = NULL;
    d->request = NULL;
    return request;
}

/* The work for it goes on until it is woken: it counts as one of the connection's until then. */
static void deferred_abandon(struct http_deferred *d, struct http_link *link)
{
    (void)deferred_detach(d);
    d->abandoned_by = link;
    link->conn.abandoned++;
    TAILQ_INSERT_TAIL(&link->abandoned, d, link);
}

static void deferred_unabandon(struct http_deferred *d)
{
    struct http_link *link = d->abandoned_by;
    TAILQ_REMOVE(&link->abandoned, d, link);
    link->conn.abandoned--;
    d->abandoned_by = NULL;
}

void http_request_forget_link(struct http_link *link)
{
    struct http_deferred *d;
    while ((d = TAILQ_FIRST(&link->abandoned)) != NULL)
        deferred_unabandon(d);
}

static bool is_text(h2o_iovec_t vec, const char *text)
{
    return vec.len == strlen(text) && memcmp(vec.base, text, vec.len) == 0;
}

/* HTTP/2 only: an HTTP/1.1 answer that is not taken ends with its connection. */
static bool is_untaken(const h2o_req_t *h2o)
{
    return h2o->version >= 0x200 && h2o->bytes_sent < h2o->res.content_length && !is_text(h2o->input.method, "HEAD");
}

static void end_patience(struct http_request *request)
{
    if (!request->patient)
        return;
    request->patient = false;
    http_conn_request_impatient(&request->link->conn);
}

static void on_dispose(void *memory)
{
    struct http_request *request = memory;
    enum http_request_end end = HTTP_REQUEST_TAKEN;
    if (!request->answered)
        end = HTTP_REQUEST_UNANSWERED;
    else if (is_untaken(request->h2o))
        end = HTTP_REQUEST_UNTAKEN;
    if (request->deferred != NULL)
        deferred_abandon(request->deferred, request->link);
    end_patience(request);
    http_conn_release(&request->link->conn, request->held);
    http_conn_request_end(&request->link->conn, end, clock_mono_ms());
}

static void hold(struct http_request *request, size_t bytes, int64_t now_ms)
{
    request->held += bytes;
    http_conn_hold(&request->link->conn, bytes, now_ms);
}

static struct http_request *request_new(h2o_req_t *h2o)
{
    int64_t now_ms = clock_mono_ms();
    struct http_link *link = h2o->conn->callbacks->get_socket(h2o->conn)->on_close.data;
    struct http_request *request = h2o_mem_alloc_shared(&h2o->pool, sizeof(*request), on_dispose);
    *request = (struct http_request){.h2o = h2o, .link = link};
    http_conn_request_begin(&link->conn, now_ms);
    hold(request, HTTP_REQUEST_BYTES + h2o->entity.len, now_ms);
    return request;
}

void http_reply(struct http_request *request, int status, const char *content_type, const void *body, size_t len)
{
    assert(!request->answered && len <= HTTP_REPLY_BYTES_MAX);
    int64_t now_ms = clock_mono_ms();
    struct http_server *server = request->link->server;
    request->answered = true;
    end_patience(request);
    http_conn_request_answered(&request->link->conn, now_ms);
    hold(request, len, now_ms);
    http_counts_add(server->counts, request->route, status);
    h2o_req_t *h2o = request->h2o;
    h2o->res.status = status;
    h2o->res.reason = http_status_reason(status);
    h2o->res.content_length = len;
    h2o_iovec_t type = h2o_strdup(&h2o->pool, content_type, SIZE_MAX);
    h2o_add_header(&h2o->pool, &h2o->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, type.base, type.len);
    if (server->stopping || http_conn_is_old(&request->link->conn, now_ms))
        h2o->http1_is_persistent = 0;
    h2o_send_inline(h2o, len > 0 ? body : "", len);
}

void http_reply_error(struct http_request *request, int status, const char *message)
{
    char cut[HTTP_MESSAGE_MAX + 1];
    (void)snprintf(cut, sizeof(cut), "%s", message);
    cleanup_buf struct buf body;
    buf_init(&body, HTTP_REPLY_BYTES_MAX);
    struct json_writer w;
    json_writer_init(&w, &body);
    json_object_begin(&w, NULL);
    json_str(&w, "message", cut);
    json_str(&w, "status", "error");
    json_object_end(&w);
    int rc = json_writer_end(&w);
    assert(rc == 0);
    (void)rc;
    http_reply(request, status, "application/json", body.data, body.len);
}

void http_reply_header(struct http_request *request, const char *name, const char *value)
{
    h2o_req_t *h2o = request->h2o;
    h2o_iovec_t key = h2o_strdup(&h2o->pool, name, SIZE_MAX);
    h2o_iovec_t text = h2o_strdup(&h2o->pool, value, SIZE_MAX);
    h2o_add_header_by_str(&h2o->pool, &h2o->res.headers, key.base, key.len, 1, NULL, text.base, text.len);
}

void http_request_peer(struct http_request *request, struct sockaddr_storage *ret_address)
{
    h2o_conn_t *conn = request->h2o->conn;
    *ret_address = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
    (void)conn->callbacks->get_peername(conn, (struct sockaddr *)ret_address);
}

int http_request_header(struct http_request *request, const char *name, const char **ret_value, size_t *ret_len)
{
    const h2o_headers_t *headers = &request->h2o->headers;
    size_t len = strlen(name);
    ssize_t at = h2o_find_header_by_str(headers, name, len, -1);
    if (at < 0)
        return -ENOENT;
    if (h2o_find_header_by_str(headers, name, len, at) >= 0)
        return -EEXIST;
    h2o_iovec_t value = headers->entries[at].value;
    while (value.len > 0 && (value.base[value.len - 1] == ' ' || value.base[value.len - 1] == '\t'))
        value.len--; /* no part of it (RFC 9110, 5.5); libh2o leaves those before out */
    *ret_value = value.base;
    *ret_len = value.len;
    return 0;
}

void http_request_body(struct http_request *request, const char **ret_body, size_t *ret_len)
{
    *ret_body = request->h2o->entity.base;
    *ret_len = request->h2o->entity.len;
}

/* The path as it came, without query. */
static h2o_iovec_t path_of(const struct http_request *request)
{
    h2o_iovec_t path = request->h2o->input.path;
    const char *query = memchr(path.base, '?', path.len);
    if (query != NULL)
        path.len = (size_t)(query - path.base);
    return path;
}

const struct http_server *http_request_server(const struct http_request *request)
{
    return request->link->server;
}

void http_request_path(struct http_request *request, char ret_path[static 256])
{
    h2o_iovec_t path = path_of(request);
    size_t len = path.len < 255 ? path.len : 255;
    memcpy(ret_path, path.base, len);
    ret_path[len] = '\0';
}

static const struct {
    const char *name;
    unsigned bit;
} methods_served[] = {{"GET", HTTP_GET_ONLY}, {"HEAD", HTTP_HEAD}, {"POST", HTTP_POST}};

static unsigned method_of(const struct http_request *request)
{
    for (size_t i = 0; i < ARRAY_LEN(methods_served); i++)
        if (is_text(request->h2o->input.method, methods_served[i].name))
            return methods_served[i].bit;
    return 0;
}

static void reply_not_allowed(struct http_request *request, unsigned methods)
{
    char allow[32];
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LEN(methods_served); i++)
        if ((methods & methods_served[i].bit) != 0)
            len += (size_t)snprintf(allow + len, sizeof(allow) - len, "%s%s", len == 0 ? "" : ", ",
                                    methods_served[i].name);
    http_reply_header(request, "allow", allow);
    http_reply_error(request, 405, "method not allowed");
}

/* The row that takes the request, or NULL; *ret_methods: what the rows of its path take. */
static const struct http_route *find_route(const struct http_route *routes, const struct http_request *request,
                                           unsigned *ret_methods)
{
    h2o_iovec_t path = path_of(request);
    unsigned method = method_of(request);
    *ret_methods = 0;
    for (const struct http_route *r = routes; r->path != NULL; r++) {
        if (!is_text(path, r->path))
            continue;
        if ((r->methods & method) != 0)
            return r;
        *ret_methods |= r->methods;
    }
    return NULL;
}

static void handle(struct http_server *server, struct http_request *request, const struct http_route *route)
{
    request->route = route;
    if (route->patient) {
        request->patient = true;
        http_conn_request_patient(&request->link->conn);
    }
    route->handler(server->context, request);
}

static void refuse_crowd(struct http_server *server, struct http_request *request)
{
    http_limit_hit(&server->conns.hits, HTTP_LIMIT_REQUESTS_IN_FLIGHT);
    http_reply_error(request, 503, "too many requests at once");
}

static void dispatch(struct http_server *server, struct http_request *request)
{
    unsigned methods;
    const struct http_route *route = find_route(server->routes, request, &methods);
    if (http_conn_has_ended(&request->link->conn))
        http_reply_error(request, 503, "the connection has ended");
    else if (http_conn_is_crowded(&request->link->conn))
        refuse_crowd(server, request);
    else if (route != NULL)
        handle(server, request, route);
    else if (methods != 0)
        reply_not_allowed(request, methods);
    else
        http_reply_error(request, 404, "not found");
}

/*
 * turn_note: libh2o 2.2.5 goes on with the next pipelined request of an HTTP/1.1 connection as soon as the answer
 * before it is written, without looking at other connections, and also when it could not be written because the client
 * has gone: thousands of buffered requests would keep everybody waiting. So after a few of them in one turn of the loop
 * the next one waits for the next turn.
 */
static bool has_had_its_turn(struct http_request *request)
{
    struct http_link *link = request->link;
    if (request->h2o->version >= 0x200)
        return false;
    if (link->turn != link->server->turn)
        link->turn_requests = 0;
    link->turn = link->server->turn;
    return ++link->turn_requests > HTTP_TURN_REQUESTS_MAX;
}

static bool is_gone(const struct http_link *link)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);
    if (link->conn.state == HTTP_CONN_CLOSING)
        return true;
    return getsockopt(link->conn.fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 || info.tcpi_state == TCP_CLOSE;
}

static void take_turn(void *context, struct http_request *request)
{
    (void)context;
    if (is_gone(request->link)) {
        request->h2o->http1_is_persistent = 0;
        http_reply_error(request, 503, "the connection has ended");
        return;
    }
    dispatch(request->link->server, request);
}

static void wait_for_turn(struct http_server *server, struct http_request *request)
{
    http_limit_hit(&server->conns.hits, HTTP_LIMIT_PIPELINED_REQUESTS);
    http_deferred_wake(http_defer(request, turn_timeout_ms, take_turn));
}

static int on_request(h2o_handler_t *self, h2o_req_t *h2o)
{
    struct http_server *server = ((struct route_handler *)self)->server;
    struct http_request *request = request_new(h2o);
    if (has_had_its_turn(request))
        wait_for_turn(server, request);
    else
        dispatch(server, request);
    assert(request->answered || request->deferred != NULL);
    return 0;
}

/* What libh2o has answered itself: a body that is too long, or broken. */
static void on_access(h2o_logger_t *self, h2o_req_t *h2o)
{
    struct http_server *server = ((struct library_answers *)self)->server;
    http_counts_add(server->counts, NULL, h2o->res.status);
    if (h2o->res.status == 413)
        http_limit_hit(&server->conns.hits, HTTP_LIMIT_BODY_BYTES);
}

/* Every request goes to the path "/" but for those that libh2o answers itself before it has looked at the path: these
 * count as the fallback's. */
void http_request_install(struct http_server *server, h2o_hostconf_t *host)
{
    h2o_pathconf_t *all = h2o_config_register_path(host, "/", 0);
    h2o_handler_t *handler = h2o_create_handler(all, sizeof(struct route_handler));
    handler->on_req = on_request;
    ((struct route_handler *)handler)->server = server;
    all->error_log.emit_request_errors = 0;
    host->fallback_path.error_log.emit_request_errors = 0;
    h2o_logger_t *logger = h2o_create_logger(&host->fallback_path, sizeof(struct library_answers));
    logger->log_access = on_access;
    ((struct library_answers *)logger)->server = server;
}

/* Mostly at the end: handlers wait equally long. */
static void insert_by_deadline(struct http_server *server, struct http_deferred *d)
{
    struct http_deferred *before = TAILQ_LAST(&server->deferred, http_deferred_list);
    while (before != NULL && before->deadline_ms > d->deadline_ms)
        before = TAILQ_PREV(before, http_deferred_list, link);
    if (before != NULL)
        TAILQ_INSERT_AFTER(&server->deferred, before, d, link);
    else
        TAILQ_INSERT_HEAD(&server->deferred, d, link);
}

struct http_deferred *http_defer_with(struct http_request *request, int64_t timeout_ms, http_handler_fn *resume,
                                      void *data, void (*data_free)(void *data))
{
    assert(!request->answered && request->deferred == NULL);
    struct http_server *server = request->link->server;
    struct http_deferred *d = xcalloc(1, sizeof(*d));
    d->server = server;
    d->request = request;
    d->resume = resume;
    d->data = data;
    d->data_free = data_free;
    d->deadline_ms = clock_mono_ms() + timeout_ms;
    request->deferred = d;
    insert_by_deadline(server, d);
    mutex_lock(&server->lock);
    server->deferred_count++;
    mutex_unlock(&server->lock);
    return d;
}

struct http_deferred *http_defer(struct http_request *request, int64_t timeout_ms, http_handler_fn *resume)
{
    return http_defer_with(request, timeout_ms, resume, NULL, NULL);
}

void *http_deferred_data(struct http_deferred *d)
{
    return d->data;
}

void *http_request_data(struct http_request *request)
{
    return request->data;
}

static void deferred_free(struct http_deferred *d)
{
    if (d->data_free != NULL)
        d->data_free(d->data);
    free(d);
}

void http_deferred_wake(struct http_deferred *d)
{
    struct http_server *server = d->server;
    mutex_lock(&server->lock);
    bool late = server->stopped;
    server->deferred_count--;
    if (!late)
        h2o_multithread_send_message(&server->receiver, &d->message);
    mutex_unlock(&server->lock);
    if (late)
        deferred_free(d);
}

static void deferred_resume(struct http_deferred *d)
{
    struct http_request *request = deferred_detach(d);
    if (request == NULL)
        return;
    request->data = d->data;
    d->resume(d->server->context, request);
}

void http_request_on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct http_server *server = H2O_STRUCT_FROM_MEMBER(struct http_server, receiver, receiver);
    while (!h2o_linklist_is_empty(messages)) {
        h2o_multithread_message_t *m = H2O_STRUCT_FROM_MEMBER(h2o_multithread_message_t, link, messages->next);
        h2o_linklist_unlink(&m->link);
        if (m == &server->stop_message) {
            server->stopping = true;
            continue;
        }
        struct http_deferred *d = H2O_STRUCT_FROM_MEMBER(struct http_deferred, message, m);
        if (d->abandoned_by != NULL)
            deferred_unabandon(d);
        deferred_resume(d);
        deferred_free(d);
    }
}

int64_t http_request_next_deadline(const struct http_server *server)
{
    const struct http_deferred *d = TAILQ_FIRST(&server->deferred);
    return d != NULL ? d->deadline_ms : INT64_MAX;
}

bool http_request_run_deadlines(struct http_server *server, int64_t now_ms)
{
    bool any = false;
    struct http_deferred *d;
    while ((d = TAILQ_FIRST(&server->deferred)) != NULL && d->deadline_ms <= now_ms) {
        deferred_resume(d);
        any = true;
    }
    return any;
}

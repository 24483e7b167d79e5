#include "daemon/discovery/kube_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/discovery/kube_url.h"
#include "daemon/discovery/pod_json.h"
#include "shared/buf.h"
#include "shared/file.h"
#include "shared/mem.h"

enum {
    keepalive_idle_s = 10,
    keepalive_interval_s = 5,
    header_bytes_max = 64 * 1024,
    path_max = 16 * 1024,
    connections_max = 4, /* kept open: two watches, over one connection if it is HTTP/2, a list and the lease */
};

struct kube_client {
    char *url;
    char *token_file;
    char *ca_file;
    CURLM *multi;
};

struct kube_request {
    struct kube_client *client;
    const struct kube_handler *handler;
    void *arg;
    const struct kube_target *target;
    CURL *easy;
    bool running;
    struct error err; /* why a callback of ours ended it */
    size_t header_bytes;
    struct buf refusal;
    char curl_error[CURL_ERROR_SIZE];
    struct curl_slist *headers;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

int kube_client_new(struct kube_client **ret_client, const struct kube_client_options *options, struct error *err)
{
    cleanup_free char *url = NULL;
    int rc = kube_url(options->api_server, &url, err);
    if (rc < 0)
        return rc;
    if (strncmp(url, "https:", 6) == 0 && options->ca_file[0] == '\0')
        return error_set(err, -EINVAL, "https needs kubernetes.ca_file");
    (void)pthread_once(&curl_once, start_curl);
    CURLM *multi = curl_multi_init();
    if (multi == NULL)
        return error_set(err, -ENOMEM, "out of memory");
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)connections_max);
    struct kube_client *client = xcalloc(1, sizeof(*client));
    client->multi = multi;
    client->url = take_ptr(url);
    client->token_file = xstrdup(options->token_file);
    client->ca_file = xstrdup(options->ca_file);
    *ret_client = client;
    return 0;
}

void kube_client_free(struct kube_client *client)
{
    if (client == NULL)
        return;
    (void)curl_multi_cleanup(client->multi);
    free(client->url);
    free(client->token_file);
    free(client->ca_file);
    free(client);
}

const char *kube_client_url(const struct kube_client *client)
{
    return client->url;
}

void kube_client_wakeup(struct kube_client *client)
{
    (void)curl_multi_wakeup(client->multi);
}

static long status_of(struct kube_request *request)
{
    long status = 0;
    (void)curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static bool is_success(long status)
{
    return status == 200 || status == 201;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct kube_request *request = arg;
    size_t len = size * count;
    request->header_bytes += len;
    if (request->header_bytes > header_bytes_max) {
        (void)error_set(&request->err, -EMSGSIZE, "the answer's headers have more than %d bytes", header_bytes_max);
        return 0;
    }
    bool last = len <= 2 && (data[0] == '\r' || data[0] == '\n');
    if (last && is_success(status_of(request)) && request->handler->on_open != NULL)
        request->handler->on_open(request->arg);
    return len;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct kube_request *request = arg;
    size_t len = size * count;
    if (is_success(status_of(request)))
        return request->handler->on_data(request->arg, data, len, &request->err) < 0 ? CURL_WRITEFUNC_ERROR : len;
    size_t room = request->refusal.max - request->refusal.len;
    return buf_append(&request->refusal, data, len < room ? len : room) < 0 ? CURL_WRITEFUNC_ERROR : len;
}

static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    (void)arg;
    (void)purpose;
    unsigned timeout_ms = KUBE_LOST_MS;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
    return CURL_SOCKOPT_OK;
}

struct kube_request *kube_request_new(struct kube_client *client, const struct kube_handler *handler, void *arg)
{
    struct kube_request *request = xcalloc(1, sizeof(*request));
    request->client = client;
    request->handler = handler;
    request->arg = arg;
    request->easy = curl_easy_init();
    if (request->easy == NULL)
        abort(); /* out of memory, like xcalloc() */
    buf_init(&request->refusal, KUBE_REFUSAL_MAX);
    return request;
}

void kube_request_cancel(struct kube_request *request)
{
    if (!request->running)
        return;
    (void)curl_multi_remove_handle(request->client->multi, request->easy);
    request->running = false;
}

void kube_request_free(struct kube_request *request)
{
    if (request == NULL)
        return;
    kube_request_cancel(request);
    curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->headers);
    buf_fini(&request->refusal);
    free(request);
}

/* The token of the file, without the blanks around it. */
static int read_token(const char *path, struct buf *out, struct error *err)
{
    int rc = file_read(path, out, err);
    if (rc < 0)
        return error_wrap(err, "token");
    while (out->len > 0 && strchr(" \t\r\n", out->data[out->len - 1]) != NULL)
        buf_truncate(out, out->len - 1);
    for (size_t i = 0; i < out->len; i++) {
        if (out->data[i] <= ' ' || out->data[i] > '~')
            return error_set(err, -EINVAL, "token: %s holds something else", path);
    }
    return out->len > 0 ? 0 : error_set(err, -EINVAL, "token: %s is empty", path);
}

static int set_token(struct kube_request *request, struct error *err)
{
    const char *path = request->client->token_file;
    if (path[0] == '\0')
        return 0;
    cleanup_buf struct buf token;
    buf_init(&token, KUBE_TOKEN_MAX);
    int rc = read_token(path, &token, err);
    if (rc == 0 && (curl_easy_setopt(request->easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER) != CURLE_OK ||
                    curl_easy_setopt(request->easy, CURLOPT_XOAUTH2_BEARER, token.data) != CURLE_OK))
        rc = error_set(err, -ENOMEM, "out of memory");
    explicit_bzero(token.data, token.len);
    return rc;
}

/* SET(option, value) until one fails. */
#define SET(option, value) (void)(rc == CURLE_OK && (rc = curl_easy_setopt(easy, option, value)) != CURLE_OK)

static CURLcode set_security(CURL *easy, const struct kube_client *client)
{
    CURLcode rc = CURLE_OK;
    SET(CURLOPT_PROTOCOLS_STR, strncmp(client->url, "https:", 6) == 0 ? "https" : "http");
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_CAINFO, client->ca_file);
    SET(CURLOPT_CAPATH, NULL);         /* Debian's default adds the public CAs */
    SET(CURLOPT_CA_CACHE_TIMEOUT, 0L); /* the file is replaced when the cluster's CA is */
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_PROXY, ""); /* pods may carry HTTPS_PROXY */
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    return rc;
}

static CURLcode set_transport(CURL *easy, int64_t timeout_ms, bool fresh)
{
    CURLcode rc = CURLE_OK;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a stop does not wait for DNS */
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)KUBE_CONNECT_TIMEOUT_MS);
    SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    SET(CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, (long)keepalive_idle_s);
    SET(CURLOPT_TCP_KEEPINTVL, (long)keepalive_interval_s);
    SET(CURLOPT_SOCKOPTFUNCTION, on_socket);
    return rc;
}

/* What the library takes for a POST becomes another method. Expect: some servers answer 100-continue late. */
static CURLcode set_body(struct kube_request *request, const struct kube_call *call)
{
    CURL *easy = request->easy;
    CURLcode rc = CURLE_OK;
    if (call->method != NULL)
        SET(CURLOPT_CUSTOMREQUEST, call->method);
    if (call->body == NULL)
        return rc;
    curl_slist_free_all(request->headers);
    request->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (request->headers == NULL || curl_slist_append(request->headers, "Expect:") == NULL)
        return CURLE_OUT_OF_MEMORY;
    SET(CURLOPT_COPYPOSTFIELDS, call->body);
    SET(CURLOPT_HTTPHEADER, request->headers);
    return rc;
}

static CURLcode set_request(struct kube_request *request, const char *path)
{
    CURL *easy = request->easy;
    cleanup_free char *url = xasprintf("%s%s", request->client->url, path);
    CURLcode rc = CURLE_OK;
    SET(CURLOPT_URL, url);
    SET(CURLOPT_USERAGENT, "proxysql-agent/" PROJECT_VERSION); /* "curl..." would get the answers pretty-printed */
    SET(CURLOPT_ERRORBUFFER, request->curl_error);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, request);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, request);
    SET(CURLOPT_PRIVATE, request);
    return rc;
}

int kube_request_start(struct kube_request *request, const struct kube_call *call, struct error *err)
{
    if (strlen(call->path) > path_max)
        return error_set(err, -EMSGSIZE, "the request has more than %d bytes", path_max);
    request->target = call->target;
    request->header_bytes = 0;
    request->curl_error[0] = '\0';
    error_clear(&request->err);
    buf_reset(&request->refusal);
    curl_easy_reset(request->easy);
    int rc = set_token(request, err);
    if (rc < 0)
        return rc;
    if (set_security(request->easy, request->client) != CURLE_OK ||
        set_transport(request->easy, call->timeout_ms, call->fresh) != CURLE_OK ||
        set_request(request, call->path) != CURLE_OK || set_body(request, call) != CURLE_OK ||
        curl_multi_add_handle(request->client->multi, request->easy) != CURLM_OK)
        return error_set(err, -ENOMEM, "libcurl: the request cannot be set up");
    request->running = true;
    return 0;
}

static int transport_code(CURLcode result)
{
    switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_COULDNT_CONNECT:
        return -ECONNREFUSED;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return -ECONNRESET;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return -EPROTO;
    default:
        return -EIO;
    }
}

static void judge_transport(const struct kube_request *request, CURLcode result, struct error *err)
{
    const char *text = request->curl_error[0] != '\0' ? request->curl_error : curl_easy_strerror(result);
    if (result == CURLE_PEER_FAILED_VERIFICATION)
        (void)error_set(err, -EPROTO, "the server's certificate is not of the CA in %s: %s", request->client->ca_file,
                        text);
    else
        (void)error_set(err, transport_code(result), "%s", text);
}

static int status_code(long status)
{
    switch (status) {
    case 401:
    case 403:
        return -EACCES;
    case 404:
        return -ENOENT;
    case 409:
        return -EEXIST;
    case 410:
        return -ESTALE;
    case 429:
        return -EBUSY;
    default:
        return -EIO;
    }
}

static void judge_status(const struct kube_request *request, long status, struct error *err)
{
    const struct kube_target *t = request->target;
    const char *file = request->client->token_file;
    char message[128];
    kube_status_message(request->refusal.data, request->refusal.len, message, sizeof(message));
    if (status == 401 && file[0] == '\0')
        (void)error_set(err, -EACCES, "401 Unauthorized: no token was sent, kubernetes.token_file is not set");
    else if (status == 401)
        (void)error_set(err, -EACCES, "401 Unauthorized: the token in %s is not accepted", file);
    else if (status == 403)
        (void)error_set(err, -EACCES,
                        "403 Forbidden: may not %s %s in namespace %s; the Role there needs apiGroups: [\"%s\"], "
                        "resources: [\"%s\"], verbs: [%s]",
                        t->verb, t->resource, t->namespace, t->group, t->resource, t->verbs);
    else if (status >= 300 && status <= 399)
        (void)error_set(err, -EIO, "%ld: redirects are not followed", status);
    else
        (void)error_set(err, status_code(status), "%ld%s%s", status, message[0] != '\0' ? ": " : "", message);
}

static int64_t retry_after_ms(struct kube_request *request)
{
    curl_off_t seconds = 0;
    (void)curl_easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds <= 0)
        return 0;
    return seconds > KUBE_RETRY_AFTER_MAX_MS / 1000 ? KUBE_RETRY_AFTER_MAX_MS : (int64_t)seconds * 1000;
}

static void finish(struct kube_request *request, CURLcode result)
{
    long status = status_of(request);
    struct kube_answer answer = {.status = (int)status, .retry_after_ms = retry_after_ms(request), .err = request->err};
    kube_request_cancel(request);
    if (answer.err.code == 0 && status != 0 && !is_success(status))
        judge_status(request, status, &answer.err);
    else if (result != CURLE_OK)
        judge_transport(request, result, &answer.err);
    request->handler->on_done(request->arg, &answer);
}

void kube_client_poll(struct kube_client *client, int wait_ms)
{
    int running;
    int left;
    (void)curl_multi_poll(client->multi, NULL, 0, wait_ms, NULL);
    (void)curl_multi_perform(client->multi, &running);
    for (const CURLMsg *m; (m = curl_multi_info_read(client->multi, &left)) != NULL;) {
        char *request = NULL;
        CURLcode result = m->data.result;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &request);
        finish((struct kube_request *)(void *)request, result);
    }
}

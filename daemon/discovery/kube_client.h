#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * Requests to the Kubernetes API server, several at once in one thread. The token is read before every request and
 * leaves over https, or http to loopback, only; the server's certificate must come from the given CA; no proxies, no
 * redirects. Everything but kube_client_wakeup() belongs to the thread that polls, new() may run before in another.
 */
enum {
    KUBE_CONNECT_TIMEOUT_MS = 5000,
    KUBE_LOST_MS = 20 * 1000, /* a peer that acknowledges nothing for so long is gone */
    KUBE_TOKEN_MAX = 16 * 1024,
    KUBE_REFUSAL_MAX = 8 * 1024, /* bytes kept of an answer that is not 200 */
    KUBE_RETRY_AFTER_MAX_MS = 60 * 1000,
};

struct kube_client_options {
    const char *api_server; /* "" = in-cluster: KUBERNETES_SERVICE_HOST and _PORT */
    const char *token_file; /* "" = no token is sent */
    const char *ca_file;
};

struct kube_client;
struct kube_request;

/* Texts are copied. -EINVAL when the options (or the environment) cannot work. */
MUST_CHECK int kube_client_new(struct kube_client **ret_client, const struct kube_client_options *options,
                               struct error *err);
/* Free all requests before. NULL is fine. */
void kube_client_free(struct kube_client *client);

/* The URL in use, for logs. */
const char *kube_client_url(const struct kube_client *client);

/* Move all requests on, call their callbacks, and wait for more at most wait_ms. */
void kube_client_poll(struct kube_client *client, int wait_ms);

/* End the wait of kube_client_poll(), now or the next one. Thread-safe. */
void kube_client_wakeup(struct kube_client *client);

/* How a request ended. */
struct kube_answer {
    int status;             /* HTTP status, 0 = none came */
    int64_t retry_after_ms; /* what the server asks for, at most KUBE_RETRY_AFTER_MAX_MS; 0 = nothing */
    struct error err;       /* code 0: status 200 or 201 and a body that came to its end */
};

struct kube_handler {
    /* Status 200 or 201: its body will follow, perhaps much later. May be NULL. */
    void (*on_open)(void *arg);
    /* The next piece of such a body. A negative return value ends the request with it. */
    int (*on_data)(void *arg, const char *data, size_t len, struct error *err);
    /* The request has ended and may be started again. Not called after kube_request_cancel(). */
    void (*on_done)(void *arg, const struct kube_answer *answer);
};

/* What the agent needs, as deploy/role.yaml grants it. */
#define KUBE_POD_VERBS   "\"get\", \"list\", \"watch\""
#define KUBE_LEASE_VERBS "\"get\", \"create\", \"update\""

/* What a refusal's text needs to say what is missing. */
struct kube_target {
    const char *verb;     /* "list" */
    const char *group;    /* of the API, "" for pods */
    const char *resource; /* "pods" */
    const char *namespace;
    const char *verbs; /* what the Role must grant: KUBE_POD_VERBS */
};

/* A request that can be started again and again. target's texts must outlive it. */
struct kube_request *kube_request_new(struct kube_client *client, const struct kube_handler *handler, void *arg);
/* Cancels it. NULL is fine. */
void kube_request_free(struct kube_request *request);

/* What to ask. path and body are copied. */
struct kube_call {
    const char *method; /* NULL = GET */
    const char *path;   /* after the server's URL */
    const char *body;   /* JSON, NULL = none */
    const struct kube_target *target;
    int64_t timeout_ms; /* the total time, 0 = none (a watch) */
    bool fresh;         /* on a connection of its own */
};

/* Begin a call. A failure to begin (no token, no memory) is reported by the return value alone. */
MUST_CHECK int kube_request_start(struct kube_request *request, const struct kube_call *call, struct error *err);

/* End it without a callback; fine when it does not run. Not from within a callback of the same request. */
void kube_request_cancel(struct kube_request *request);

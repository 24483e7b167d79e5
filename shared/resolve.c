#include "shared/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/thread.h"

/* One look-up. glibc's helper thread writes into it until gai_error() says otherwise, so it lives on the heap, and an
 * abandoned one keeps its place until then. */
struct lookup {
    struct gaicb request;
    struct addrinfo hints;
    char *host;
    bool abandoned;
};

static struct mutex lock = {PTHREAD_MUTEX_INITIALIZER};
static struct lookup *places[RESOLVE_LOOKUPS_MAX];

static void lookup_free(struct lookup *l)
{
    if (l->request.ar_result != NULL)
        freeaddrinfo(l->request.ar_result);
    free(l->host);
    free(l);
}

/* A free place, after clearing those whose abandoned look-up has ended; NULL without one. */
static struct lookup **free_place_locked(void) REQUIRES(lock)
{
    struct lookup **place = NULL;
    for (size_t i = 0; i < RESOLVE_LOOKUPS_MAX; i++) {
        struct lookup *l = places[i];
        if (l != NULL && l->abandoned && gai_error(&l->request) != EAI_INPROGRESS) {
            lookup_free(l);
            places[i] = NULL;
        }
        if (places[i] == NULL)
            place = &places[i];
    }
    return place;
}

static int lookup_start(const char *host, struct lookup **ret_lookup, struct error *err)
{
    struct lookup *l = xcalloc(1, sizeof(*l));
    l->host = xstrdup(host);
    l->hints = (struct addrinfo){.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    l->request.ar_name = l->host;
    l->request.ar_request = &l->hints;
    struct gaicb *list[1] = {&l->request};
    mutex_lock(&lock);
    struct lookup **place = free_place_locked();
    int rc = place == NULL ? -EBUSY : getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) != 0 ? -EAGAIN : 0;
    if (rc == 0)
        *place = l;
    mutex_unlock(&lock);
    if (rc == 0) {
        *ret_lookup = l;
        return 0;
    }
    lookup_free(l);
    if (rc == -EBUSY)
        return error_set(err, rc, "look up %s: %d earlier look-ups still wait for DNS", host, RESOLVE_LOOKUPS_MAX);
    return error_set(err, rc, "look up %s: no resources", host);
}

static void lookup_wait(struct lookup *l, int64_t deadline_ms)
{
    const struct gaicb *list[1] = {&l->request};
    while (gai_error(&l->request) == EAI_INPROGRESS) {
        int left = clock_left_ms(deadline_ms);
        if (left == 0)
            return;
        struct timespec timeout = {.tv_sec = left / 1000, .tv_nsec = (left % 1000) * 1000000L};
        (void)gai_suspend(list, 1, &timeout);
    }
}

static void add_address(struct resolved *r, const struct addrinfo *ai)
{
    const void *raw;
    if (ai->ai_family == AF_INET)
        raw = &((const struct sockaddr_in *)(const void *)ai->ai_addr)->sin_addr;
    else if (ai->ai_family == AF_INET6)
        raw = &((const struct sockaddr_in6 *)(const void *)ai->ai_addr)->sin6_addr;
    else
        return;
    if (r->count < RESOLVE_ADDRESSES_MAX &&
        inet_ntop(ai->ai_family, raw, r->address[r->count], INET6_ADDRSTRLEN) != NULL)
        r->count++;
}

static int lookup_result(const struct lookup *l, struct resolved *ret_resolved, struct error *err)
{
    int rc = gai_error((struct gaicb *)(uintptr_t)&l->request);
    if (rc == EAI_AGAIN)
        return error_set(err, -EAGAIN, "look up %s: %s", l->host, gai_strerror(rc));
    if (rc != 0)
        return error_set(err, -ENOENT, "look up %s: %s", l->host, gai_strerror(rc));
    struct resolved r = {0};
    for (const struct addrinfo *ai = l->request.ar_result; ai != NULL; ai = ai->ai_next)
        add_address(&r, ai);
    if (r.count == 0)
        return error_set(err, -ENOENT, "look up %s: no address", l->host);
    *ret_resolved = r;
    return 0;
}

/* Free an ended look-up and its place; a running one keeps both until it ends. */
static void lookup_leave(struct lookup *l)
{
    mutex_lock(&lock);
    l->abandoned = true;
    (void)gai_cancel(&l->request);
    (void)free_place_locked();
    mutex_unlock(&lock);
}

static bool is_address(const char *host, struct resolved *ret_resolved)
{
    unsigned char raw[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, host, raw) != 1 && inet_pton(AF_INET6, host, raw) != 1)
        return false;
    ret_resolved->count = 1;
    (void)strcpy(ret_resolved->address[0], host);
    return true;
}

int resolve_host(const char *host, int64_t deadline_ms, struct resolved *ret_resolved, struct error *err)
{
    if (is_address(host, ret_resolved))
        return 0;
    struct lookup *l = NULL;
    int rc = lookup_start(host, &l, err);
    if (rc < 0)
        return rc;
    lookup_wait(l, deadline_ms);
    rc = gai_error(&l->request) == EAI_INPROGRESS
             ? error_set(err, -ETIMEDOUT, "look up %s: no answer from DNS in time", host)
             : lookup_result(l, ret_resolved, err);
    lookup_leave(l);
    return rc;
}

#include "shared/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/thread.h"

/* One look-up on a thread of its own. It keeps its place until it has ended and nobody waits for it any more; then the
 * thread is joined by whoever comes next. */
struct lookup {
    char *host;
    pthread_t thread;
    bool ended;     /* under the lock, as is what follows */
    bool abandoned; /* its caller has gone */
    int code;       /* of getaddrinfo() */
    struct addrinfo *addresses;
};

static struct mutex lock = {PTHREAD_MUTEX_INITIALIZER};
static struct lookup *places[RESOLVE_LOOKUPS_MAX];
static struct cond ended;
static pthread_once_t ended_once = PTHREAD_ONCE_INIT;

static void init_ended(void)
{
    cond_init(&ended);
}

static void *lookup_main(void *arg)
{
    struct lookup *l = arg;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *addresses = NULL;
    int code = getaddrinfo(l->host, NULL, &hints, &addresses);
    mutex_lock(&lock);
    l->code = code;
    l->addresses = code == 0 ? addresses : NULL;
    l->ended = true;
    cond_broadcast(&ended);
    mutex_unlock(&lock);
    return NULL;
}

static void lookup_free(struct lookup *l)
{
    if (l->addresses != NULL)
        freeaddrinfo(l->addresses);
    free(l->host);
    free(l);
}

/* A free place, after clearing those whose abandoned look-up has ended; NULL without one. Joining such a thread takes
 * no time: it has only to return. */
static struct lookup **free_place_locked(void) REQUIRES(lock)
{
    struct lookup **place = NULL;
    for (size_t i = 0; i < RESOLVE_LOOKUPS_MAX; i++) {
        struct lookup *l = places[i];
        if (l != NULL && l->abandoned && l->ended) {
            thread_join(l->thread);
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
    (void)pthread_once(&ended_once, init_ended);
    struct lookup *l = xcalloc(1, sizeof(*l));
    l->host = xstrdup(host);
    mutex_lock(&lock);
    struct lookup **place = free_place_locked();
    int rc = place == NULL ? error_set(err, -EBUSY, "look up %s: %d earlier look-ups still wait for DNS", host,
                                       RESOLVE_LOOKUPS_MAX)
                           : thread_start(&l->thread, "resolve", lookup_main, l, err);
    if (rc == 0)
        *place = l;
    mutex_unlock(&lock);
    if (rc < 0)
        lookup_free(l);
    else
        *ret_lookup = l;
    return rc;
}

/* Where a result goes. */
struct room {
    size_t *count;
    size_t max;
    char (*address)[INET6_ADDRSTRLEN];
    bool too_small; /* there was more */
};

static void add_address(struct room *room, const struct addrinfo *ai)
{
    const void *raw;
    if (ai->ai_family == AF_INET)
        raw = &((const struct sockaddr_in *)(const void *)ai->ai_addr)->sin_addr;
    else if (ai->ai_family == AF_INET6)
        raw = &((const struct sockaddr_in6 *)(const void *)ai->ai_addr)->sin6_addr;
    else
        return;
    if (*room->count == room->max)
        room->too_small = true;
    else if (inet_ntop(ai->ai_family, raw, room->address[*room->count], INET6_ADDRSTRLEN) != NULL)
        ++*room->count;
}

static int code_of(int gai_code)
{
    switch (gai_code) {
    case EAI_NONAME:
        return -ENOENT;
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
        return -ENODATA;
    case EAI_AGAIN:
        return -EAGAIN;
    default:
        return -EIO;
    }
}

static int lookup_result(const struct lookup *l, struct room *room, struct error *err)
{
    if (l->code != 0)
        return error_set(err, code_of(l->code), "look up %s: %s", l->host, gai_strerror(l->code));
    for (const struct addrinfo *ai = l->addresses; ai != NULL; ai = ai->ai_next)
        add_address(room, ai);
    return *room->count > 0 ? 0 : error_set(err, -ENODATA, "look up %s: no address", l->host);
}

static bool is_address(const char *host, struct room *room)
{
    unsigned char raw[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, host, raw) != 1 && inet_pton(AF_INET6, host, raw) != 1)
        return false;
    *room->count = 1;
    (void)strcpy(room->address[0], host);
    return true;
}

static int resolve(const char *host, int64_t deadline_ms, struct room *room, struct error *err)
{
    *room->count = 0;
    if (is_address(host, room))
        return 0;
    struct lookup *l = NULL;
    int rc = lookup_start(host, &l, err);
    if (rc < 0)
        return rc;
    mutex_lock(&lock);
    while (!l->ended && cond_wait_until(&ended, &lock, deadline_ms))
        continue;
    rc = l->ended ? lookup_result(l, room, err)
                  : error_set(err, -ETIMEDOUT, "look up %s: no answer from DNS in time", host);
    l->abandoned = true;
    (void)free_place_locked();
    mutex_unlock(&lock);
    return rc;
}

int resolve_host(const char *host, int64_t deadline_ms, struct resolved *ret_resolved, struct error *err)
{
    struct room room = {.count = &ret_resolved->count, .max = RESOLVE_ADDRESSES_MAX, .address = ret_resolved->address};
    return resolve(host, deadline_ms, &room, err);
}

int resolve_all(const char *host, int64_t deadline_ms, struct resolved_all *ret_resolved, struct error *err)
{
    struct room room = {.count = &ret_resolved->count, .max = RESOLVE_ALL_MAX, .address = ret_resolved->address};
    int rc = resolve(host, deadline_ms, &room, err);
    if (rc == 0 && room.too_small)
        rc = error_set(err, -EMSGSIZE, "look up %s: more than %d addresses", host, RESOLVE_ALL_MAX);
    return rc;
}

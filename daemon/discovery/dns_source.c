#include "daemon/discovery/dns_source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/resolve.h"
#include "shared/thread.h"

enum { log_again_ms = 60 * 1000 };

struct dns_source {
    struct member_source members;
    char *name;
    struct own_pod own;
    struct core_address *cores; /* of the last answer, sorted, the own one among them */
    size_t count;
    uint64_t version;    /* of cores */
    int64_t answered_ms; /* when the last answer was asked for; 0 = none came yet */
    bool confirmed;      /* the last look-up was an answer */
    bool had_v4;         /* the name once had IPv4 addresses: an answer without them lacks a half */
    bool failing;
    struct log_limit log_limit;

    struct mutex turn; /* one look at a time; lock nests in it */
    struct mutex lock; /* of what follows */
    struct dns_source_stats stats GUARDED;
};

static bool is_v4(const char *ip)
{
    return strchr(ip, ':') == NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct core_address *)a)->ip, ((const struct core_address *)b)->ip);
}

static bool is_ip(const char *text)
{
    unsigned char raw[sizeof(struct in6_addr)];
    return inet_pton(is_v4(text) ? AF_INET : AF_INET6, text, raw) == 1;
}

static bool is_among(const struct core_address *cores, size_t count, const char *ip)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(cores[i].ip, ip) == 0)
            return true;
    }
    return false;
}

static void add(struct core_address *cores, size_t *count, const char *ip)
{
    if (!is_among(cores, *count, ip))
        memcpy(cores[(*count)++].ip, ip, strlen(ip) + 1);
}

/* POD_IP or else an address of an interface, if the answer has it; if it has none of them POD_IP, or the first. */
static const char *own_address(const struct own_pod *own, const struct core_address *cores, size_t count)
{
    bool known = is_ip(own->pod_ip);
    if (known && is_among(cores, count, own->pod_ip))
        return own->pod_ip;
    for (size_t i = 0; i < own->address_count; i++) {
        if (is_among(cores, count, own->addresses[i]))
            return own->addresses[i];
    }
    if (known)
        return own->pod_ip;
    return own->address_count > 0 ? own->addresses[0] : NULL;
}

/* The answer's addresses of one family, and the own one, in the place of those of the answer before. */
static void take_answer(struct dns_source *s, const struct resolved_all *answer, bool v4)
{
    struct core_address *cores = xcalloc(answer->count + 1, sizeof(*cores));
    size_t count = 0;
    for (size_t i = 0; i < answer->count; i++) {
        if (is_v4(answer->address[i]) == v4)
            add(cores, &count, answer->address[i]);
    }
    const char *own = own_address(&s->own, cores, count);
    if (own != NULL) {
        add(cores, &count, own);
        for (size_t i = 0; i < count; i++)
            cores[i].own = strcmp(cores[i].ip, own) == 0;
    }
    qsort(cores, count, sizeof(*cores), compare);
    bool same = s->version > 0 && count == s->count && memcmp(cores, s->cores, count * sizeof(*cores)) == 0;
    s->version += same ? 0 : 1;
    free(s->cores);
    s->cores = cores;
    s->count = count;
}

/* 0 when it is an answer: addresses, or that the name does not exist. */
static int look_up(struct dns_source *s, int64_t deadline_ms, struct resolved_all *answer, bool *ret_v4,
                   struct error *err)
{
    struct error why = ERROR_INIT;
    int rc = resolve_all(s->name, deadline_ms, answer, &why);
    *ret_v4 = s->had_v4;
    if (rc == -ENOENT) {
        answer->count = 0;
        return 0;
    }
    if (rc < 0)
        return error_set(err, rc, "%s", why.text);
    bool any_v4 = false;
    for (size_t i = 0; i < answer->count; i++)
        any_v4 = any_v4 || is_v4(answer->address[i]);
    if (s->had_v4 && !any_v4)
        return error_set(err, -ENODATA, "look up %s: no IPv4 address, which it had before", s->name);
    *ret_v4 = any_v4;
    return 0;
}

static void report(struct dns_source *s, const struct error *err)
{
    uint64_t suppressed = 0;
    if (err->code < 0 && (log_limit_pass(&s->log_limit, &suppressed) || !s->failing))
        log_warn("DNS does not show the cores, trying again; the members stay as they are", LOG_STR("name", s->name),
                 LOG_STR("error", err->text), LOG_INT("suppressed", suppressed));
    if (err->code == 0 && (s->failing || s->answered_ms == 0))
        log_info("DNS shows the cores", LOG_STR("name", s->name), LOG_INT("addresses", s->count));
    s->failing = err->code < 0;
}

static void count_answer(struct dns_source *s, const struct error *err, size_t addresses, int64_t asked_ms)
{
    mutex_lock(&s->lock);
    memcpy(s->stats.error, err->text, sizeof(s->stats.error));
    if (err->code < 0) {
        s->stats.failures++;
    } else {
        s->stats.answers++;
        s->stats.addresses = addresses;
        s->stats.answered_ms = asked_ms;
    }
    mutex_unlock(&s->lock);
}

static int ask(struct dns_source *s, int64_t deadline_ms, struct error *err)
{
    struct resolved_all *answer = xcalloc(1, sizeof(*answer));
    int64_t asked_ms = clock_mono_ms();
    bool v4;
    if (deadline_ms > asked_ms + DNS_LOOK_UP_MS)
        deadline_ms = asked_ms + DNS_LOOK_UP_MS;
    int rc = look_up(s, deadline_ms, answer, &v4, err);
    if (rc == 0)
        take_answer(s, answer, v4);
    count_answer(s, err, answer->count, asked_ms);
    report(s, err);
    s->confirmed = rc == 0;
    if (rc == 0) {
        s->answered_ms = asked_ms;
        s->had_v4 = s->had_v4 || (v4 && answer->count > 0);
    }
    free(answer);
    return rc;
}

static struct pod_view *look_in_turn(struct dns_source *s, int64_t deadline_ms)
{
    struct error err = ERROR_INIT;
    int64_t now_ms = clock_mono_ms();
    if (!s->confirmed || now_ms - s->answered_ms >= DNS_GAP_MS)
        (void)ask(s, deadline_ms, &err); /* said by report() */
    struct pod_view *view = pod_view_of_addresses(s->cores, s->count);
    view->complete = s->answered_ms != 0;
    view->confirmed = s->confirmed;
    view->confirmed_ms = s->answered_ms;
    view->listed_ms = s->answered_ms;
    view->age_ms = s->answered_ms == 0 ? -1 : clock_mono_ms() - s->answered_ms;
    view->version = s->version;
    view->core_version = s->version;
    return view;
}

static struct pod_view *look(void *arg, int64_t deadline_ms)
{
    struct dns_source *s = arg;
    mutex_lock(&s->turn);
    struct pod_view *view = look_in_turn(s, deadline_ms);
    mutex_unlock(&s->turn);
    return view;
}

static int confirm(void *arg, int64_t since_ms, int64_t deadline_ms, struct error *err)
{
    struct dns_source *s = arg;
    mutex_lock(&s->turn);
    int rc = s->confirmed && s->answered_ms >= since_ms ? 0 : ask(s, deadline_ms, err);
    mutex_unlock(&s->turn);
    return rc;
}

struct dns_source *dns_source_new(const char *name, const struct own_pod *own)
{
    struct dns_source *s = xcalloc(1, sizeof(*s));
    s->name = xstrdup(name);
    if (own != NULL)
        own_pod_copy(&s->own, own);
    else
        own_pod_detect(&s->own);
    s->log_limit = (struct log_limit)LOG_LIMIT_INIT(1, log_again_ms);
    mutex_init(&s->turn);
    mutex_init(&s->lock);
    s->members = (struct member_source){
        .name = "dns",
        .own_missing = "this host has no address of its own but loopback: set POD_IP",
        .arg = s,
        .look = look,
        .confirm = confirm,
    };
    return s;
}

void dns_source_free(struct dns_source *s)
{
    if (s == NULL)
        return;
    own_pod_fini(&s->own);
    mutex_fini(&s->lock);
    mutex_fini(&s->turn);
    free(s->cores);
    free(s->name);
    free(s);
}

const struct member_source *dns_source_members(const struct dns_source *s)
{
    return &s->members;
}

void dns_source_get_stats(struct dns_source *s, struct dns_source_stats *ret_stats)
{
    mutex_lock(&s->lock);
    *ret_stats = s->stats;
    mutex_unlock(&s->lock);
}

#include "daemon/cluster/departures.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

enum {
    entries_max = MEMBERS_MAX,
    forget_ms = 2 * 3600 * 1000, /* after it was last in runtime */
};

/* A row of runtime that is not wanted as it is. */
struct entry {
    struct member row;
    bool named;        /* the last answer had its address and port */
    unsigned answers;  /* successive ones without it */
    int64_t since_ms;  /* when it was first unwanted, or named again, or no more */
    unsigned returned; /* so many times after it had gone */
    bool gone;         /* from runtime */
    int64_t seen_ms;   /* when it was last there */
};

struct departures {
    struct entry *entries;
    size_t count;
    uint64_t returns;
};

struct departures *departures_new(void)
{
    struct departures *d = xcalloc(1, sizeof(*d));
    d->entries = xcalloc(entries_max, sizeof(*d->entries));
    return d;
}

void departures_free(struct departures *d)
{
    if (d != NULL)
        free(d->entries);
    free(d);
}

uint64_t departures_returns(const struct departures *d)
{
    return d->returns;
}

static bool names(const struct pod *pods, size_t count, uint16_t port, const struct member *row)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t pod_port = pods[i].port != 0 ? pods[i].port : port;
        if (pods[i].is_core && pod_port == row->port && strcmp(pods[i].ip, row->host) == 0)
            return true;
    }
    return false;
}

void departures_answer(struct departures *d, const struct pod *pods, size_t count, uint16_t port, int64_t now_ms)
{
    for (size_t i = 0; i < d->count; i++) {
        struct entry *e = &d->entries[i];
        bool named = names(pods, count, port, &e->row);
        if (named != e->named) {
            e->since_ms = now_ms;
            e->answers = 0;
        }
        e->answers += named ? 0 : 1;
        e->named = named;
    }
}

static struct entry *find(struct departures *d, const struct member *row)
{
    for (size_t i = 0; i < d->count; i++) {
        if (member_equal(&d->entries[i].row, row))
            return &d->entries[i];
    }
    return NULL;
}

/* A new entry, in the place of the one that has been gone for longest when there is no room; NULL without one. */
static struct entry *make(struct departures *d)
{
    if (d->count < entries_max)
        return &d->entries[d->count++];
    struct entry *oldest = NULL;
    for (size_t i = 0; i < d->count; i++) {
        struct entry *e = &d->entries[i];
        if (e->gone && (oldest == NULL || e->seen_ms < oldest->seen_ms))
            oldest = e;
    }
    return oldest;
}

static struct entry *track(struct departures *d, const struct member *row, bool named, int64_t now_ms)
{
    struct entry *e = find(d, row);
    if (e != NULL && e->gone) {
        d->returns++;
        e->returned += e->returned < DEPARTURE_DOUBLINGS_MAX ? 1 : 0;
        e->since_ms = now_ms;
        e->answers = 0;
        e->gone = false;
    }
    if (e == NULL && (e = make(d)) != NULL)
        *e = (struct entry){.row = *row, .named = named, .answers = named ? 0 : 1, .since_ms = now_ms};
    if (e != NULL)
        e->seen_ms = now_ms;
    return e;
}

/* The first time a row that only looks different is corrected at once. */
static bool may_go(const struct entry *e, bool named, int64_t now_ms)
{
    if (named && e->returned == 0)
        return true;
    unsigned doublings = named ? e->returned - 1 : e->returned;
    bool long_enough = now_ms - e->since_ms >= (int64_t)DEPARTURE_MS << doublings;
    return long_enough && (named || e->answers >= DEPARTURE_ANSWERS);
}

/* What is not in runtime any more has gone; what has been gone for long is forgotten. */
static void notice_gone(struct departures *d, const struct member_list *runtime, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++) {
        struct entry *e = &d->entries[i];
        const struct member *row = member_list_find(runtime, e->row.host, e->row.port);
        e->gone = row == NULL || !member_equal(row, &e->row);
        if (!e->gone || now_ms - e->seen_ms < forget_ms)
            d->entries[kept++] = *e;
    }
    d->count = kept;
}

int departures_keep(struct departures *d, const struct member_list *runtime, int64_t now_ms, struct member_list *wanted,
                    struct error *err)
{
    int rc = 0;
    for (size_t i = 0; i < runtime->count && rc == 0; i++) {
        const struct member *row = &runtime->items[i];
        struct member *same = member_list_find(wanted, row->host, row->port);
        if (!member_host_is_address(row->host) || (same != NULL && member_equal(same, row)))
            continue;
        const struct entry *e = track(d, row, same != NULL, now_ms);
        if (e != NULL && may_go(e, same != NULL, now_ms))
            continue;
        if (same != NULL)
            *same = *row;
        else
            rc = member_list_add(wanted, row, err);
    }
    notice_gone(d, runtime, now_ms);
    return rc;
}

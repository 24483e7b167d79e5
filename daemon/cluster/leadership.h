#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/discovery/lease.h"

/*
 * The rules of leader election on a Lease, as client-go's leaderelection has them. Whether another's lease has run out
 * is judged by the own clock since its record was last seen to change, never by comparing its renewTime with the own
 * time: clocks differ. Who could not renew his own within the renew deadline does not lead any more, whatever the
 * record says. Pure: times are of CLOCK_BOOTTIME, in milliseconds, so that a machine that slept has lost its lease.
 */
struct leadership_rules {
    int64_t lease_ms; /* > renew_ms */
    int64_t renew_ms; /* > retry_ms */
    int64_t retry_ms;
};

/* Does this core want to lead? */
enum leadership_standing {
    LEADERSHIP_STAND,  /* it takes a lease that is free and keeps its own */
    LEADERSHIP_KEEP,   /* it keeps its own, but takes none */
    LEADERSHIP_RESIGN, /* it gives its own up */
};

enum leadership_step {
    LEADERSHIP_WAIT,
    LEADERSHIP_READ,    /* GET it */
    LEADERSHIP_CREATE,  /* POST the first one */
    LEADERSHIP_TAKE,    /* PUT it with us as its holder, for the first time or again */
    LEADERSHIP_RELEASE, /* PUT it without a holder */
};

struct leadership {
    struct leadership_rules rules;
    char identity[LEASE_HOLDER_MAX + 1]; /* "" = not known yet: then it only reads */
    bool known;                          /* it was read: exists and record say what it is */
    bool exists;
    struct lease record;
    int64_t seen_ms; /* when record was last seen to change */
    bool leading;
    int64_t renewed_ms;  /* before the request was sent whose answer last proved that we hold it */
    uint64_t term;       /* grows each time that we begin to lead */
    bool must_read;      /* what is known may be old */
    unsigned conflicts;  /* in a row */
    int64_t due_ms;      /* of the next step */
    int64_t read_due_ms; /* of the next READ, when there is nothing to write */
};

void leadership_init(struct leadership *l, const struct leadership_rules *rules);

/* "reading", ... of the step. */
const char *leadership_step_name(enum leadership_step step);

/* We hold it, and renewed it within the renew deadline. */
bool leadership_leads(const struct leadership *l, int64_t now_ms);

/* Somebody holds it and it has not run out. */
bool leadership_is_held(const struct leadership *l, int64_t now_ms);

/* The record names us, whether we lead or not. */
bool leadership_is_ours(const struct leadership *l);

/* What to do now. Leading ends here when the renew deadline has passed, or with LEADERSHIP_RESIGN. */
enum leadership_step leadership_next(struct leadership *l, enum leadership_standing standing, int64_t now_ms);

/* What the spec becomes by CREATE, TAKE and RELEASE; real_us only for its two times. */
void leadership_spec(const struct leadership *l, enum leadership_step step, int64_t real_us, struct lease *ret_lease);

/* A READ that was sent at sent_ms has ended: the lease as it is, NULL = there is none. spread_ms (0 to retry_ms / 5) is
 * taken from the time until the next one, so that not all followers ask at once. */
void leadership_was_read(struct leadership *l, const struct lease *lease, int64_t spread_ms, int64_t sent_ms,
                         int64_t now_ms);

/* A CREATE, TAKE or RELEASE that was sent at sent_ms has succeeded: the answer is the lease as it is now. */
void leadership_was_written(struct leadership *l, const struct lease *lease, int64_t sent_ms, int64_t now_ms);

/* Somebody else wrote it meanwhile (409): read it again, at once if that is the first time. */
void leadership_conflict(struct leadership *l, int64_t now_ms);

/* A step has failed; the next one comes in delay_ms, but a leader tries again as soon as retry_ms. */
void leadership_failed(struct leadership *l, int64_t delay_ms, int64_t now_ms);

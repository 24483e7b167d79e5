#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/cluster/leadership.h"
#include "daemon/discovery/kube_client.h"

/*
 * One candidate for the leadership of the cores: reads, takes, renews and gives up a Lease through a kube_client, by
 * the rules of leadership.h. What it does is done by the thread that runs it and polls its client; the functions below
 * "from any thread" are thread-safe.
 */
struct elector;

/* Does this core want to lead, as the agent sees it? Runs in the elector's thread, without any lock held. */
typedef enum leadership_standing elector_standing_fn(void *arg);

struct elector_options {
    const char *namespace;
    const char *lease_name;
    struct leadership_rules rules;
    elector_standing_fn *standing;
    void *arg;
};

/* Texts are copied. Does nothing until it is run. */
struct elector *elector_new(struct kube_client *client, const struct elector_options *options);
/* Give the client's request back: the elector is not to be run again, it can still be asked; it does not lead. */
void elector_close(struct elector *elector);
/* NULL is fine. */
void elector_free(struct elector *elector);

/* Who we are: the own pod's name and uid, so that a pod that comes back under its name is another candidate. Before
 * that it only reads. */
void elector_set_identity(struct elector *elector, const char *pod_name, const char *uid);
bool elector_has_identity(struct elector *elector);

/* Do what is due. Returns when to run it again (monotonic ms), unless kube_client_poll() has something first. */
int64_t elector_run(struct elector *elector, int64_t now_ms);

/* From now on it stands no more and gives its lease up. */
void elector_resign(struct elector *elector);
/* There is nothing left to give up. */
bool elector_has_resigned(struct elector *elector);

/* Has the leadership changed since the last call, ours or another's? */
bool elector_take_change(struct elector *elector);

/* --- from any thread */

/* We lead; *ret_term is then to be given to elector_check(). */
bool elector_leads(struct elector *elector, uint64_t *ret_term);

/* Before each statement: 0 while we have led without a break since that term began and the lease is younger than the
 * renew deadline, else -ECANCELED. */
MUST_CHECK int elector_check(struct elector *elector, uint64_t term, struct error *err);

/* What the own ProxySQL did with a pass: a core whose ProxySQL took none for the renew deadline gives its lease up and
 * takes none until it took one. */
void elector_report_node(struct elector *elector, bool took);

/* The pod of whoever holds the lease now, as far as it has our form of identity: its uid, "" = nobody or unknown. */
void elector_get_leader_uid(struct elector *elector, char ret_uid[static LEASE_HOLDER_MAX + 1]);

struct elector_stats {
    bool leading;
    char identity[LEASE_HOLDER_MAX + 1]; /* "" = not known yet */
    char holder[LEASE_HOLDER_MAX + 1];   /* as last read, "" = nobody */
    bool held;                           /* it has not run out, by our clock */
    int64_t renewed_age_ms;              /* of our own lease, -1 = none */
    int64_t seen_age_ms;                 /* since the record was last seen to change, -1 = never read */
    int32_t transitions;                 /* as last read */
    uint64_t terms;                      /* how often we began to lead */
    uint64_t renewals;                   /* writes that succeeded */
    uint64_t conflicts;                  /* 409 */
    uint64_t failures;                   /* requests that failed otherwise */
    char error[256];                     /* the last failure, "" after a success */
};
void elector_get_stats(struct elector *elector, struct elector_stats *ret_stats);

#pragma once

#include "daemon/cluster/member.h"
#include "daemon/discovery/pod.h"

/*
 * Which rows may go, for sources that know addresses alone (core.discovery dns and static): that DNS or a list does not
 * name a core is weaker than the API's word that its pod is gone, and two cores may be told different things for a
 * while. So rows are added at once, and a row that the source does not name goes only after DEPARTURE_ANSWERS
 * successive answers without it over DEPARTURE_MS. Each time that it comes back, because somebody else is told of it,
 * the time doubles: cores that disagree for good settle on the sum of what they know, instead of fighting. Pure.
 */
enum {
    DEPARTURE_ANSWERS = 3,
    DEPARTURE_MS = 30 * 1000,
    DEPARTURE_DOUBLINGS_MAX = 7, /* up to about an hour */
};

struct departures;
struct departures *departures_new(void);
/* NULL is fine. */
void departures_free(struct departures *departures);

/* The source has answered: these are the core pods that it names. port is the cluster's. now_ms is monotonic. */
void departures_answer(struct departures *departures, const struct pod *pods, size_t count, uint16_t port,
                       int64_t now_ms);

/* Add to wanted the rows of runtime that may not go yet. A row of a wanted address that only looks different is kept in
 * the place of the wanted one if it has come back before. Names are never kept: the bootstrap row goes at once.
 * -EMSGSIZE, -ENOMEM. */
MUST_CHECK int departures_keep(struct departures *departures, const struct member_list *runtime, int64_t now_ms,
                               struct member_list *wanted, struct error *err);

/* How many times a row has come back that had been removed. */
uint64_t departures_returns(const struct departures *departures);

#include "daemon/status/status.h"

static void pack_dns(const struct status *s, struct pack *p)
{
    const struct dns_source_stats *d = &s->dns;
    pack_map_begin(p, "dns");
    pack_int(p, "addresses", (int64_t)d->addresses);
    pack_int(p, "answers", (int64_t)d->answers);
    pack_int(p, "failures", (int64_t)d->failures);
    pack_int(p, "age_ms", d->answered_ms == 0 ? -1 : s->now_ms - d->answered_ms);
    pack_str(p, "error", d->error);
    pack_map_end(p);
}

static void pack_election(const struct elector_stats *e, struct pack *p)
{
    pack_map_begin(p, "election");
    pack_bool(p, "leading", e->leading);
    pack_str(p, "identity", e->identity);
    pack_str(p, "holder", e->holder);
    pack_bool(p, "held", e->held);
    pack_int(p, "renewed_age_ms", e->renewed_age_ms);
    pack_int(p, "seen_age_ms", e->seen_age_ms);
    pack_int(p, "transitions", e->transitions);
    pack_int(p, "terms", (int64_t)e->terms);
    pack_int(p, "renewals", (int64_t)e->renewals);
    pack_int(p, "conflicts", (int64_t)e->conflicts);
    pack_int(p, "failures", (int64_t)e->failures);
    pack_str(p, "error", e->error);
    pack_map_end(p);
}

void status_pack_discovery(const struct status *s, struct pack *p)
{
    if (s->discovery == NULL)
        return;
    pack_map_begin(p, "discovery");
    pack_str(p, "kind", s->discovery);
    if (s->has_dns)
        pack_dns(s, p);
    pack_map_end(p);
    if (s->has_election)
        pack_election(&s->election, p);
}

#include "daemon/drain/arrivals.h"

static void begin_at(struct arrivals *a, const struct arrivals_look *look)
{
    a->known = true;
    a->created = look->created;
    a->own = look->own_before;
}

int64_t arrivals_note(struct arrivals *a, const struct arrivals_look *look)
{
    int64_t came = look->created - a->created - (look->own_after - a->own);
    bool from_anew = !a->known || look->created < a->created; /* the counter of another life */
    bool exact = look->own_before == look->own_after;         /* no look of our own was under way */
    a->looked_ms = look->at_ms;
    if (from_anew || came > 0)
        a->quiet_since_ms = look->at_ms;
    if (from_anew || came > 0 || exact)
        begin_at(a, look);
    return from_anew || came < 0 ? 0 : came;
}

int64_t arrivals_quiet_ms(const struct arrivals *a)
{
    return a->looked_ms - a->quiet_since_ms;
}

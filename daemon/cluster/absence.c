#include "daemon/cluster/absence.h"

bool absence_look(struct absence *a, bool present, bool confirmed, int64_t now_ms)
{
    if (present || !confirmed) {
        *a = (struct absence){.since_ms = 0};
        return false;
    }
    if (a->since_ms == 0)
        a->since_ms = now_ms;
    if (a->told || now_ms - a->since_ms < ABSENCE_MS)
        return false;
    a->told = true;
    return true;
}

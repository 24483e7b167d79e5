#include "daemon/jobs/stamp_ties.h"

void stamp_ties_init(struct stamp_ties *t)
{
    *t = (struct stamp_ties){0};
    backoff_init(&t->spread, STAMP_TIES_WAIT_MS, STAMP_TIES_WAIT_MS);
}

void stamp_ties_begin(struct stamp_ties *t, int64_t now_ms)
{
    stamp_ties_loaded(t, now_ms);
    for (size_t i = 0; i < ADMIN_MODULES; i++) {
        t->ends_ms[i] = 0;
        t->ended[i] = 0;
    }
}

void stamp_ties_loaded(struct stamp_ties *t, int64_t now_ms)
{
    t->until_ms = now_ms + STAMP_TIES_SETTLE_MS;
}

bool stamp_ties_looks(const struct stamp_ties *t, int64_t now_ms)
{
    return now_ms < t->until_ms;
}

int64_t stamp_ties_next_ms(const struct stamp_ties *t, int64_t now_ms)
{
    int64_t wait_ms = STAMP_TIES_LOOK_MS;
    for (size_t i = 0; i < ADMIN_MODULES; i++)
        if (t->ends_ms[i] != 0 && t->ends_ms[i] - now_ms < wait_ms)
            wait_ms = t->ends_ms[i] - now_ms;
    return wait_ms > 0 ? wait_ms : 1;
}

bool stamp_ties_judge(struct stamp_ties *t, enum admin_module module, bool tied, int64_t now_ms)
{
    if (!tied || t->ended[module] >= STAMP_TIES_MAX) {
        t->ends_ms[module] = 0;
        return false;
    }
    if (t->ends_ms[module] == 0)
        t->ends_ms[module] = now_ms + STAMP_TIES_WAIT_MS + backoff_jitter_ms(&t->spread, STAMP_TIES_SPREAD_MS);
    if (now_ms < t->ends_ms[module])
        return false;
    t->ends_ms[module] = 0;
    t->ended[module]++;
    stamp_ties_loaded(t, now_ms);
    return true;
}

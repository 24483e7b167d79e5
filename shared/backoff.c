#include "shared/backoff.h"

#include <assert.h>

#include "shared/clock.h"

void backoff_init(struct backoff *b, int64_t base_ms, int64_t cap_ms)
{
    assert(base_ms > 0 && base_ms <= cap_ms);
    uint32_t seed = (uint32_t)clock_mono_us() ^ (uint32_t)(uintptr_t)b;
    *b = (struct backoff){.base_ms = base_ms, .cap_ms = cap_ms, .random = seed == 0 ? 1 : seed};
}

/* xorshift32: spreading attempts needs no better randomness. */
static uint32_t next_random(struct backoff *b)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 17;
    b->random ^= b->random << 5;
    return b->random;
}

int64_t backoff_jitter_ms(struct backoff *b, int64_t max_ms)
{
    assert(max_ms >= 0);
    return (int64_t)(next_random(b) % ((uint64_t)max_ms + 1));
}

int64_t backoff_next_ms(struct backoff *b)
{
    int64_t wait = b->base_ms;
    for (unsigned i = 0; i < b->failures && wait < b->cap_ms; i++)
        wait = wait > b->cap_ms / 2 ? b->cap_ms : wait * 2;
    b->failures++;
    int64_t half = wait / 2;
    return half + backoff_jitter_ms(b, wait - half);
}

void backoff_reset(struct backoff *b)
{
    b->failures = 0;
}

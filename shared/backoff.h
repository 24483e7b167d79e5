#pragma once

#include <stdint.h>

/*
 * Waits between attempts: doubling from base to cap, each with jitter so that many agents do not knock together.
 * Not thread-safe.
 */
struct backoff {
    int64_t base_ms;
    int64_t cap_ms;
    unsigned failures;
    uint32_t random; /* state of the jitter's generator, never 0 */
};

/* 0 < base_ms <= cap_ms. */
void backoff_init(struct backoff *b, int64_t base_ms, int64_t cap_ms);

/* One more failure: how long to wait now, between half and all of min(cap, base * 2^failures). */
int64_t backoff_next_ms(struct backoff *b);

/* A random wait of 0 to max_ms (>= 0), to spread what is periodic. */
int64_t backoff_jitter_ms(struct backoff *b, int64_t max_ms);

/* A success: the next failure starts from base again. */
void backoff_reset(struct backoff *b);

#pragma once

#include <stdatomic.h>
#include <stdint.h>

/*
 * How long things took, in buckets that only ever count up: what /metrics shows as a histogram. Any thread may count
 * and read; a reader may see a moment in which one that is being counted is in its bucket and not yet in the sum.
 * A zeroed one is empty.
 */
enum { HISTOGRAM_BOUNDS = 16, HISTOGRAM_BUCKETS = HISTOGRAM_BOUNDS + 1 };

struct histogram {
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS]; /* the last one: longer than every bound */
    _Atomic uint64_t sum_us;
};

/* Upper bounds of the buckets, each included in its bucket: 1 ms to 5 minutes. */
extern const int64_t histogram_bounds_us[HISTOGRAM_BOUNDS];

/* A negative duration counts as 0. */
void histogram_add_us(struct histogram *histogram, int64_t us);

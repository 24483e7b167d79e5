#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Two clocks: the monotonic one for every wait, age and deadline, the real one only for what humans read.
 * A deadline is a point of the monotonic clock in milliseconds. All functions are thread-safe.
 */

/* "2026-11-22T04:47:43.079Z" and its NUL. */
#define CLOCK_RFC3339_SIZE 25
/* "2026-11-22T04:47:43.079857Z" and its NUL. */
#define CLOCK_MICRO_SIZE 28

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_real_ms(void);
int64_t clock_real_us(void);

/* CLOCK_BOOTTIME: the monotonic clock that also counts while the machine sleeps, for what must not outlive a sleep. Not
 * for waits. */
int64_t clock_boot_ms(void);

/* Milliseconds left until deadline_ms, 0 when it has passed, at most INT_MAX: ready for poll(2). */
int clock_left_ms(int64_t deadline_ms);

/* UTC with milliseconds. The text always fits; the year 0000 stands for years beyond 9999. */
void clock_format_rfc3339(int64_t real_ms, char ret_text[static CLOCK_RFC3339_SIZE]);
/* The same with microseconds. */
void clock_format_micro(int64_t real_us, char ret_text[static CLOCK_MICRO_SIZE]);

#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * pthread wrappers whose failures are our own bugs and therefore abort: every return value is checked here, once.
 * Condition variables wait on the monotonic clock.
 */
struct CAPABILITY("mutex") mutex {
    pthread_mutex_t pthread;
};

struct cond {
    pthread_cond_t pthread;
};

void mutex_init(struct mutex *m);
void mutex_fini(struct mutex *m);
void mutex_lock(struct mutex *m) ACQUIRE(m);
void mutex_unlock(struct mutex *m) RELEASE(m);

void cond_init(struct cond *c);
void cond_fini(struct cond *c);
/* Returns false when deadline_ms (monotonic) has passed. Like every wait it may also wake for nothing. */
bool cond_wait_until(struct cond *c, struct mutex *m, int64_t deadline_ms) REQUIRES(m);
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);

/* Start a thread named `name` (at most 15 bytes are kept) with a 256 KiB stack and every signal blocked: only the main
 * thread waits for signals. Join it with thread_join(). Fails with -EAGAIN when the system has no more threads. */
MUST_CHECK int thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *), void *arg,
                            struct error *err);
/* The same with another stack, for a library that needs more. */
MUST_CHECK int thread_start_stack(pthread_t *ret_thread, const char *name, size_t stack_bytes, void *(*run)(void *),
                                  void *arg, struct error *err);
void thread_join(pthread_t thread);

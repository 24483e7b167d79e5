#pragma once

#include <stdint.h>

/*
 * The own pod's terminationGracePeriodSeconds, which ends a drain that takes longer. Only core mode with the Kubernetes
 * API knows it. Thread-safe.
 */
struct job_context;
struct pod;

/* In milliseconds; 0 = not known. */
int64_t drain_own_grace_ms(const struct job_context *context);

/* Say once that it is shorter than what shutdown.shutdown_timeout needs. own may be NULL. */
void drain_warn_grace(const struct job_context *context, const struct pod *own);

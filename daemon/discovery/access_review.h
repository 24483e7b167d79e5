#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/discovery/kube_client.h"
#include "shared/buf.h"
#include "shared/compiler.h"
#include "shared/error.h"

/*
 * What the API server says the agent may do: a SelfSubjectAccessReview of authorization.k8s.io/v1 for each question.
 * Every user may ask by default (ClusterRole system:basic-user). On a connection beside those of the watches, it
 * belongs to the thread that asks.
 */
enum { ACCESS_REVIEW_BYTES_MAX = 64 * 1024 }; /* of one answer */

struct access_review;

/* options' texts are copied. -EINVAL when they cannot work. */
MUST_CHECK int access_review_new(struct access_review **ret_review, const struct kube_client_options *options,
                                 struct error *err);
/* NULL is fine. */
void access_review_free(struct access_review *review);

/* May it do what target says, to the object called name ("" = to any)? Waits until deadline_ms (monotonic) at most.
 * Returns what the request failed with (-EACCES: asking is refused, -ETIMEDOUT, ...), or -EBADMSG, or -EIO when the API
 * server could not decide. */
MUST_CHECK int access_review_ask(struct access_review *review, const struct kube_target *target, const char *name,
                                 int64_t deadline_ms, bool *ret_allowed, struct error *err);

/* The two sides of it: the question, and the answer, which is outside data. */
MUST_CHECK int access_review_write(const struct kube_target *target, const char *name, struct buf *out,
                                   struct error *err);
MUST_CHECK int access_review_parse(const char *text, size_t len, bool *ret_allowed, struct error *err);

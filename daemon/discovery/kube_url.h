#pragma once

#include "shared/compiler.h"
#include "shared/error.h"

/* The API server's URL: text, or in-cluster (KUBERNETES_SERVICE_HOST and _PORT) when that is empty. Only
 * https://host[:port], or http to a loopback address; no user, path or query. *ret_url has no slash at its end, the
 * caller frees it. -EINVAL with a text that does not repeat what may be a secret. */
MUST_CHECK int kube_url(const char *text, char **ret_url, struct error *err);

#pragma once

#include <stddef.h>

#include "daemon/discovery/member_source.h"
#include "daemon/discovery/own_pod.h"

/*
 * The cores as core.peers lists them: addresses, each with a port or with the cluster's. For virtual machines, and for
 * whoever has neither the API nor a name for the cores.
 */
struct static_source;

/* peers as the settings' check has accepted them (config_check_core()); texts are copied, own may be NULL
 * (own_pod_detect()). */
struct static_source *static_source_new(char *const peers[], size_t count, const struct own_pod *own);
/* NULL is fine. */
void static_source_free(struct static_source *source);

/* The source that it is; valid as long as it. */
const struct member_source *static_source_members(const struct static_source *source);

#pragma once

#include "daemon/config/load.h"

/* What only shows when all settings of core are known: -EINVAL with a text that begins with the key, or warnings. */
MUST_CHECK int config_check_core(struct loaded_config *loaded, struct error *err);

#pragma once

#include "daemon/config/load.h"
#include "shared/buf.h"

/* What is printed about the settings. 0, or the error of out (64 KiB are plenty). */

/* --show-config: every key with its value and, as a comment, where it comes from; a valid configuration file, but for
 * secrets, which are masked. */
MUST_CHECK int config_show(const struct loaded_config *loaded, struct buf *out);

/* --help */
MUST_CHECK int config_help(struct buf *out);

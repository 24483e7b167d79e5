#pragma once

#include "shared/buf.h"

/* The files of the repository that the option table writes. 0, or the error of out (64 KiB are plenty). */

/* docs/configuration.md */
MUST_CHECK int config_reference(struct buf *out);

/* config.yaml: every key with its default and what it means. */
MUST_CHECK int config_example(struct buf *out);

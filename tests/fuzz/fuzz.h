#pragma once

#include <stddef.h>
#include <stdint.h>

/* What each fuzz target implements: one run with these bytes. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

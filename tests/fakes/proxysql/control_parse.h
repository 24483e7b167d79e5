#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"

/* Arguments of the control socket's commands. A bad one fails with -EINVAL and is named in err. Thread-safe. */
MUST_CHECK int control_bad_argument(const char *argument, struct error *err);

/* "on" or "off". */
MUST_CHECK int control_parse_switch(const char *argument, bool *ret_on, struct error *err);

/* A number 0..max, or "off" for 0. */
MUST_CHECK int control_parse_number(const char *argument, int64_t max, int64_t *ret_value, struct error *err);

/* The position of argument in names. */
MUST_CHECK int control_parse_choice(const char *argument, const char *const *names, size_t len, int *ret_choice,
                                    struct error *err);

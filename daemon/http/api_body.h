#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * The JSON body of a POST: one flat object whose members are named in a table. Strict: an unknown member, one given
 * twice, another type, a number out of range are refused with what is allowed. An empty body is an empty object.
 * Thread-safe.
 */
enum api_field_type {
    API_FIELD_BOOL,
    API_FIELD_INT,  /* min..max */
    API_FIELD_NAME, /* one of names, in any case; the value is its index */
};

struct api_field {
    const char *name; /* NULL ends a table */
    enum api_field_type type;
    bool required;
    int64_t otherwise; /* when it is not given */
    int64_t min;
    int64_t max;
    const char *const *names; /* ended by NULL */
};

enum { API_FIELDS_MAX = 4 };

/* The values by their index in fields. 0, or -EINVAL with what is wrong. */
MUST_CHECK int api_body_read(const char *body, size_t len, const struct api_field *fields,
                             int64_t ret_values[API_FIELDS_MAX], struct error *err);

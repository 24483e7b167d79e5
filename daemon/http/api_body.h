#pragma once

#include <stddef.h>

#include "proto/command.h"
#include "shared/compiler.h"
#include "shared/error.h"

/*
 * The JSON body of a POST: one flat object whose members are a command's arguments. Strict: an unknown member, one
 * given twice, another type, a number out of range are refused with what is allowed. An empty body is an empty object.
 * Thread-safe.
 */
struct api_body {
    struct argument_values values; /* texts are valid until api_body_fini() */
    void *root;
};

/* 0, or -EINVAL with what is wrong; ret_body is filled only on success. */
MUST_CHECK int api_body_read(const char *body, size_t len, const struct command *command, struct api_body *ret_body,
                             struct error *err);

/* A zeroed one is fine. */
void api_body_fini(struct api_body *body);
#define cleanup_api_body __attribute__((cleanup(api_body_fini)))

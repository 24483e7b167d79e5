#pragma once

#include <stdbool.h>

#include "shared/compiler.h"
#include "shared/error.h"

/* The command line of fake-proxysql. Texts belong to argv. */
struct options {
    const char *admin;   /* host:port */
    const char *traffic; /* host:port */
    const char *control; /* path of the control socket, NULL = none */
    const char *users;   /* "user:password;user:password" */
    const char *auth;    /* "native" or "caching_sha2" */
    const char *version;
    const char *tls_cert; /* PEM files, both or none */
    const char *tls_key;
    const char *init; /* file of SQL for the memory tables before the first load, NULL = none */
};

MUST_CHECK int options_parse(struct options *ret_options, int argc, char **argv, struct error *err);

#pragma once

#include <stdbool.h>

#include "shared/compiler.h"
#include "shared/error.h"

/* The command line of fake-proxysql. Texts belong to argv. */
struct options {
    const char *admin;   /* host:port, NULL = what admin-mysql_ifaces says */
    const char *traffic; /* host:port, NULL = what mysql-interfaces says */
    const char *control; /* path of the control socket, NULL = none */
    const char *users;   /* "user:password;user:password", NULL = what is configured */
    const char *auth;    /* "native" or "caching_sha2", NULL = what is configured */
    const char *version;
    const char *tls_cert; /* PEM files, both or none */
    const char *tls_key;
    const char *init;   /* file of SQL for the memory tables before the first load, NULL = none */
    const char *config; /* ProxySQL's configuration file, NULL = none */
    const char *data;   /* folder of the database file that keeps what is saved, NULL = nothing outlives us */
};

MUST_CHECK int options_parse(struct options *ret_options, int argc, char **argv, struct error *err);

#pragma once

#include <stdbool.h>

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * dump.upload_url: a URL with names in it. %h stands for the host, %t for the time (20261125T194840Z), %n for the
 * namespace, %k for the kind of file (digests, pgsql-digests); a byte that a URL writes as % and two hexadecimal digits
 * stays as it is. Pure functions, thread-safe. No error's text holds the URL: its query may be a secret.
 */
struct upload_names {
    const char *host;
    const char *time;
    const char *namespace;
    const char *kind;
};

/* 0, or -EINVAL unless pattern is an https URL (http: to loopback) with a host and without user and password. */
MUST_CHECK int upload_url_check(const char *pattern, struct error *err);

/* A new text, to be freed by the caller. pattern is one that upload_url_check() takes; names are escaped. */
char *upload_url_expand(const char *pattern, const struct upload_names *names);

/* Whether files of different kinds get different URLs. */
bool upload_url_tells_kinds(const char *pattern);

/* For the log: the URL without its query, user and password; a new text. */
char *upload_url_shown(const char *url);

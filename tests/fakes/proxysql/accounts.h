#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shared/compiler.h"
#include "shared/thread.h"

/*
 * Who may log in on the admin port and how: the runtime values of admin-admin_credentials, admin-stats_credentials,
 * mysql-default_authentication_plugin and mysql-server_version. Kept outside the database because ProxySQL does not
 * take its admin mutex for a login: a wedge must not stop one. Thread-safe.
 */
enum { ACCOUNTS_TEXT_MAX = 256 };

struct accounts {
    struct mutex lock;
    char *admin_credentials GUARDED; /* "user:password;user:password" */
    char *stats_credentials GUARDED;
    char *learned GUARDED; /* same form: clear texts seen for accounts that are stored hashed */
    bool caching_sha2 GUARDED;
    char server_version[ACCOUNTS_TEXT_MAX] GUARDED;
};

struct account {
    char password[ACCOUNTS_TEXT_MAX]; /* clear text, or '*' and 40 hex digits */
    bool stats;                       /* sees the stats schema only */
};

void accounts_init(struct accounts *a);
void accounts_fini(struct accounts *a);

/* Replace everything; the texts are copied, learned clear texts are forgotten. */
void accounts_set(struct accounts *a, const char *admin_credentials, const char *stats_credentials,
                  const char *authentication_plugin, const char *server_version);

/* The account's password as it is known now. False: no such user. */
MUST_CHECK bool accounts_find(struct accounts *a, const char *user, struct account *ret_account);

/* A full caching_sha2 exchange has shown the clear text of a hashed password: later logins take the fast path. */
void accounts_learn(struct accounts *a, const char *user, const char *password);

bool accounts_caching_sha2(struct accounts *a);
void accounts_server_version(struct accounts *a, char ret_version[static ACCOUNTS_TEXT_MAX]);

#include "tests/fakes/proxysql/accounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

void accounts_init(struct accounts *a)
{
    *a = (struct accounts){.caching_sha2 = false};
    mutex_init(&a->lock);
    accounts_set(a, "", "", "mysql_native_password", "8.0.11");
}

void accounts_fini(struct accounts *a)
{
    mutex_lock(&a->lock);
    free(a->admin_credentials);
    free(a->stats_credentials);
    free(a->learned);
    mutex_unlock(&a->lock);
    mutex_fini(&a->lock);
}

void accounts_set(struct accounts *a, const char *admin_credentials, const char *stats_credentials,
                  const char *authentication_plugin, const char *server_version)
{
    mutex_lock(&a->lock);
    free(a->admin_credentials);
    free(a->stats_credentials);
    free(a->learned);
    a->admin_credentials = xstrdup(admin_credentials);
    a->stats_credentials = xstrdup(stats_credentials);
    a->learned = xstrdup("");
    a->caching_sha2 = strcmp(authentication_plugin, "caching_sha2_password") == 0;
    (void)snprintf(a->server_version, sizeof a->server_version, "%s", server_version);
    mutex_unlock(&a->lock);
}

/* The password of user in "user:password;user:password". */
static bool find_in(const char *credentials, const char *user, char ret_password[static ACCOUNTS_TEXT_MAX])
{
    size_t user_len = strlen(user);
    for (const char *at = credentials; *at != '\0';) {
        size_t len = strcspn(at, ";");
        if (len > user_len && memcmp(at, user, user_len) == 0 && at[user_len] == ':') {
            (void)snprintf(ret_password, ACCOUNTS_TEXT_MAX, "%.*s", (int)(len - user_len - 1), at + user_len + 1);
            return true;
        }
        at += len + (at[len] == ';');
    }
    return false;
}

bool accounts_find(struct accounts *a, const char *user, struct account *ret_account)
{
    struct account found = {.stats = false};
    mutex_lock(&a->lock);
    bool known = find_in(a->admin_credentials, user, found.password);
    if (!known) {
        known = find_in(a->stats_credentials, user, found.password);
        found.stats = known;
    }
    if (known)
        (void)find_in(a->learned, user, found.password);
    mutex_unlock(&a->lock);
    if (known)
        *ret_account = found;
    return known;
}

void accounts_learn(struct accounts *a, const char *user, const char *password)
{
    mutex_lock(&a->lock);
    char *before = a->learned;
    a->learned = xasprintf("%s:%s;%s", user, password, before);
    free(before);
    mutex_unlock(&a->lock);
}

bool accounts_caching_sha2(struct accounts *a)
{
    mutex_lock(&a->lock);
    bool sha2 = a->caching_sha2;
    mutex_unlock(&a->lock);
    return sha2;
}

void accounts_server_version(struct accounts *a, char ret_version[static ACCOUNTS_TEXT_MAX])
{
    mutex_lock(&a->lock);
    memcpy(ret_version, a->server_version, ACCOUNTS_TEXT_MAX);
    mutex_unlock(&a->lock);
}

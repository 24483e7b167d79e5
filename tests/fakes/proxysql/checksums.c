#include "tests/fakes/proxysql/checksums.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const checksum_names[CHECKSUM_NAMES] = {
    "admin_variables", "mysql_query_rules", "mysql_servers",    "mysql_servers_v2",
    "mysql_users",     "mysql_variables",   "proxysql_servers",
};

void checksums_init(struct checksums *c)
{
    mutex_init(&c->lock);
    memset(c->values, 0, sizeof c->values);
}

void checksums_fini(struct checksums *c)
{
    mutex_fini(&c->lock);
}

int checksums_find(const char *name)
{
    for (int i = 0; i < CHECKSUM_NAMES; i++)
        if (strcmp(checksum_names[i], name) == 0)
            return i;
    return -1;
}

void checksums_stamp(struct checksums *c, const char *name, const char *text, const char *peer_text, int64_t peer_epoch)
{
    int which = checksums_find(name);
    if (which < 0)
        abort();
    mutex_lock(&c->lock);
    struct checksum *value = &c->values[which];
    value->version++;
    (void)snprintf(value->text, sizeof value->text, "%s", text);
    bool pulled = peer_text != NULL && peer_epoch != 0 && strcmp(text, peer_text) == 0;
    value->epoch = pulled ? peer_epoch : (int64_t)time(NULL);
    mutex_unlock(&c->lock);
}

struct checksum checksums_get(struct checksums *c, int which)
{
    mutex_lock(&c->lock);
    struct checksum value = c->values[which];
    mutex_unlock(&c->lock);
    return value;
}

uint64_t checksums_global(struct checksums *c)
{
    uint64_t hash = 0;
    checksum_row(&hash);
    mutex_lock(&c->lock);
    for (size_t i = 0; i < CHECKSUM_NAMES; i++) {
        char version[32];
        (void)snprintf(version, sizeof version, "%" PRId64, c->values[i].version);
        checksum_field(&hash, c->values[i].text);
        checksum_field(&hash, version);
    }
    mutex_unlock(&c->lock);
    return hash / 2;
}

void checksum_row(uint64_t *hash)
{
    const uint64_t fnv_basis = 0xcbf29ce484222325u;
    if (*hash == 0)
        *hash = fnv_basis;
}

void checksum_field(uint64_t *hash, const char *text)
{
    const uint64_t fnv_prime = 0x100000001b3u;
    for (const char *c = text; c != NULL && *c != '\0'; c++)
        *hash = (*hash ^ (unsigned char)*c) * fnv_prime;
    *hash = (*hash ^ 0xff) * fnv_prime;
}

void checksum_format(uint64_t hash, char ret_text[static CHECKSUM_TEXT_SIZE])
{
    (void)snprintf(ret_text, CHECKSUM_TEXT_SIZE, "0x%016" PRIX64, hash);
}

#include "tests/fakes/proxysql/cluster_client.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { uuid_len = 36 };

bool cluster_client_name(struct cluster_client *c, const char *text)
{
    if (strcspn(text, " ") != uuid_len || text[uuid_len] != ' ' || text[uuid_len + 1] == '\0')
        return false;
    (void)snprintf(c->uuid, sizeof c->uuid, "%.*s", uuid_len, text);
    (void)snprintf(c->interfaces, sizeof c->interfaces, "%s", text + uuid_len + 1);
    return true;
}

void cluster_client_seen(const struct cluster_client *c, struct node *node, const char *host, unsigned port)
{
    if (c->uuid[0] != '\0')
        database_mustf(&node->db,
                       "INSERT OR REPLACE INTO stats.stats_proxysql_servers_clients_status VALUES (%Q, %Q, %u, %Q, "
                       "%lld)",
                       c->uuid, host, port, c->interfaces, (long long)time(NULL));
}

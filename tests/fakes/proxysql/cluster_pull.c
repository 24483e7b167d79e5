#include "tests/fakes/proxysql/cluster_pull.h"

#include <stdio.h>
#include <string.h>

#include "shared/mem.h"
#include "tests/fakes/proxysql/cluster.h"
#include "tests/fakes/proxysql/modules.h"
#include "tests/fakes/proxysql/node.h"
#include "tests/fakes/proxysql/peer_link.h"

struct source {
    char *host; /* address, or name while no connect was good */
    uint16_t port;
};

/* False: there is none. */
static bool choose_source(struct cluster *c, int which, struct source *ret_source)
{
    mutex_lock(&c->lock);
    const struct peer *peer = peer_choose(c->peers, which, c->settings.diffs[which]);
    if (peer != NULL)
        *ret_source = (struct source){.host = xstrdup(peer->address[0] != '\0' ? peer->address : peer->hostname),
                                      .port = peer->port};
    mutex_unlock(&c->lock);
    return peer != NULL;
}

/* Also leaves the SQL that writes the rows into memory. */
static char *read_rows(MYSQL_RES *rows, const struct modules_pull *pull, uint64_t *ret_hash)
{
    unsigned fields = mysql_num_fields(rows);
    uint64_t hash = 0;
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendf(sql, "%s;", pull->clear);
    for (MYSQL_ROW row = mysql_fetch_row(rows); row != NULL; row = mysql_fetch_row(rows)) {
        checksum_row(&hash);
        sqlite3_str_appendf(sql, "%s ", pull->insert);
        for (unsigned i = 0; i < fields; i++) {
            checksum_field(&hash, row[i]);
            sqlite3_str_appendf(sql, "%c%Q", i == 0 ? '(' : ',', row[i]);
        }
        sqlite3_str_appendall(sql, ");");
    }
    sqlite3_str_appendall(sql, pull->finish);
    *ret_hash = hash;
    return sqlite3_str_finish(sql);
}

/* False: the process is stopping, or the tables refuse the rows. */
static bool write_rows(struct peer *own, int which, const struct checksum *seen, const char *sql)
{
    struct node *node = own->cluster->node;
    struct cluster_settings settings;
    struct error err = ERROR_INIT;
    cluster_get_settings(own->cluster, &settings);
    if (!gate_enter(&node->gate))
        return false;
    int r = database_run(&node->db, sql, &err);
    if (r == 0)
        modules_load_pulled(node, which, seen, settings.save_to_disk[which]);
    else
        (void)fprintf(stderr, "fake-proxysql: pulled %s: %s\n", checksum_names[which], err.text);
    gate_leave(&node->gate);
    return r == 0;
}

static bool pull_from(struct peer *own, int which, const struct checksum *seen, const struct source *source)
{
    const struct modules_pull *pull = modules_pull(which);
    struct peer_link link;
    if (!peer_link_open(&link, own, PEER_PULLS, source->host, source->port, NULL))
        return false;
    MYSQL_RES *rows = peer_link_ask(&link, pull->query);
    bool good = false;
    if (rows != NULL) {
        uint64_t hash = 0;
        char text[CHECKSUM_TEXT_SIZE];
        char *sql = read_rows(rows, pull, &hash);
        checksum_format(hash, text);
        /* not what the check saw: it changed meanwhile, or another peer is the newest; later checks settle it */
        good = strcmp(text, seen->text) == 0 && write_rows(own, which, seen, sql);
        sqlite3_free(sql);
        mysql_free_result(rows);
    }
    peer_link_close(&link);
    return good;
}

bool cluster_pull(struct peer *own, int which, const struct checksum *seen)
{
    struct source source = {.host = NULL};
    if (!choose_source(own->cluster, which, &source))
        return true;
    bool good = pull_from(own, which, seen, &source);
    cleanup_free_run(&source.host);
    return good;
}

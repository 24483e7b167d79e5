#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/thread.h"
#include "tests/fakes/proxysql/packet.h"

/*
 * What ProxySQL counted of its queries, as stats_mysql_query_digest and, from 3.0 on, stats_pgsql_query_digest show it:
 * the rows of live.mysql_query_digest (live.pgsql_query_digest), which tests write, and made up ones, any number of
 * them, that are made as they are sent. A statement that names the _reset table takes all of them away in one step
 * (lib/ProxySQL_Admin_Stats.cpp, stats___mysql_query_digests_v2).
 *
 * Made up row number i (from 0): hostgroup 1, schemaname 'app', username 'web', client_address '', digest '0x' and 16
 * hexadecimal digits of i, a digest_text that holds i in 10 digits, count_star 1000 + i % 1000, first_seen 1700000000,
 * last_seen 1700000000 + i % 1000000, sum_time 1000000 + i % 1000000, min_time 100, max_time 5000, sum_rows_affected 0,
 * sum_rows_sent as count_star.
 */
enum digest_family { DIGEST_MYSQL, DIGEST_PGSQL, DIGEST_FAMILIES };

struct digest_range {
    uint64_t first;
    uint64_t next;
    unsigned text_bytes; /* of digest_text */
};

struct digests {
    struct mutex lock;
    struct digest_range made[DIGEST_FAMILIES] GUARDED;
    int64_t busy_ms GUARDED; /* how long a statement that names a table holds the admin mutex */
};

struct node;

void digests_init(struct digests *d);
void digests_fini(struct digests *d);

/* The tables; pgsql's only where the node's version has it. */
void digests_create(struct node *node);

/* The made up rows are count from now on, the numbers going on where a reset ended; or count more than now. */
void digests_make(struct digests *d, enum digest_family family, uint64_t count, bool more, unsigned text_bytes);

void digests_set_busy(struct digests *d, int64_t busy_ms);

/* Fill in the tables that the statement names. Inside the gate. */
void digests_refresh(struct node *node, const char *statement);

/* Answer `SELECT column, ... FROM stats_..._query_digest[_reset]` (a column may have AS name) row by row, without
 * filling a table, as out's source. False: it is another statement, or no made up rows exist. Inside the gate. */
MUST_CHECK bool digests_stream(struct node *node, const char *statement, struct packet_writer *out);

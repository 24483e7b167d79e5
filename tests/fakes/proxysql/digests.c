#include "tests/fakes/proxysql/digests.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shared/mem.h"
#include "tests/fakes/proxysql/node.h"
#include "tests/fakes/proxysql/packet_sqlite.h"

enum {
    columns_max = 14,
    name_max = 64,
    row_max = 64 * 1024,
    chunk_bytes = 256 * 1024,
    text_bytes_min = 64,
    text_bytes_usual = 200
};
enum { memory_of_row = 150 };
enum { digest_digits = 16, text_digits = 10 };

#define COLUMNS(schema)                                                                                             \
    "hostgroup INT, " schema " VARCHAR NOT NULL, username VARCHAR NOT NULL, client_address VARCHAR NOT NULL, "      \
    "digest VARCHAR NOT NULL, digest_text VARCHAR NOT NULL, count_star INTEGER NOT NULL, first_seen INTEGER NOT "   \
    "NULL, "                                                                                                        \
    "last_seen INTEGER NOT NULL, sum_time INTEGER NOT NULL, min_time INTEGER NOT NULL, max_time INTEGER NOT NULL, " \
    "sum_rows_affected INTEGER NOT NULL, sum_rows_sent INTEGER NOT NULL, "                                          \
    "PRIMARY KEY (hostgroup, " schema ", username, client_address, digest)"

static const struct family {
    const char *live;
    const char *table;
    const char *reset_table;
    const char *columns;
} families[DIGEST_FAMILIES] = {
    [DIGEST_MYSQL] = {"live.mysql_query_digest", "stats_mysql_query_digest", "stats_mysql_query_digest_reset",
                      COLUMNS("schemaname")},
    [DIGEST_PGSQL] = {"live.pgsql_query_digest", "stats_pgsql_query_digest", "stats_pgsql_query_digest_reset",
                      COLUMNS("database")},
};

/* A made up row's values: fixed but for a number of fixed width in some. */
static const struct value {
    const char *column;
    const char *fixed; /* what stands before the number */
    unsigned digits;   /* 0 = none */
    uint64_t modulo;   /* 0 = the row's number itself, in hexadecimal for the digest */
} values[] = {
    {"hostgroup", "1", 0, 0},
    {"schemaname", "app", 0, 0},
    {"database", "app", 0, 0},
    {"username", "web", 0, 0},
    {"client_address", "", 0, 0},
    {"digest", "0x", digest_digits, 0},
    {"digest_text", "SELECT c FROM t WHERE id = ? /* ", text_digits, 0},
    {"count_star", "1", 3, 1000},
    {"first_seen", "1700000000", 0, 0},
    {"last_seen", "1700", 6, 1000000},
    {"sum_time", "1", 6, 1000000},
    {"min_time", "100", 0, 0},
    {"max_time", "5000", 0, 0},
    {"sum_rows_affected", "0", 0, 0},
    {"sum_rows_sent", "1", 3, 1000},
};

struct patch {
    size_t at; /* in the row's packet */
    const struct value *value;
};

/* One answer's rows, all of the same length, copied from a template. */
struct digest_stream {
    struct packet_source source;
    struct digest_range range;
    struct packet_writer row; /* the template: one packet */
    struct patch patches[columns_max];
    size_t patch_count;
};

void digests_init(struct digests *d)
{
    *d = (struct digests){.lock = {PTHREAD_MUTEX_INITIALIZER}};
    mutex_init(&d->lock);
}

void digests_fini(struct digests *d)
{
    mutex_fini(&d->lock);
}

void digests_create(struct node *node)
{
    int count = node->version[0] >= '3' ? DIGEST_FAMILIES : DIGEST_PGSQL;
    for (int i = 0; i < count; i++) {
        const struct family *f = &families[i];
        database_mustf(&node->db, "CREATE TABLE %s (%s); CREATE TABLE stats.%s (%s); CREATE TABLE stats.%s (%s)",
                       f->live, f->columns, f->table, f->columns, f->reset_table, f->columns);
    }
}

void digests_make(struct digests *d, enum digest_family family, uint64_t count, bool more, unsigned text_bytes)
{
    mutex_lock(&d->lock);
    struct digest_range *made = &d->made[family];
    made->next = (more ? made->next : made->first) + count;
    if (text_bytes != 0 || made->text_bytes == 0)
        made->text_bytes = text_bytes == 0               ? text_bytes_usual
                           : text_bytes < text_bytes_min ? text_bytes_min
                                                         : text_bytes;
    mutex_unlock(&d->lock);
}

void digests_set_busy(struct digests *d, int64_t busy_ms)
{
    mutex_lock(&d->lock);
    d->busy_ms = busy_ms;
    mutex_unlock(&d->lock);
}

static struct digest_range take_made(struct digests *d, int family, bool reset)
{
    mutex_lock(&d->lock);
    struct digest_range range = d->made[family];
    if (reset)
        d->made[family].first = range.next;
    mutex_unlock(&d->lock);
    return range;
}

static void stay_busy(struct node *node)
{
    mutex_lock(&node->digests.lock);
    int64_t busy_ms = node->digests.busy_ms;
    mutex_unlock(&node->digests.lock);
    if (busy_ms > 0)
        gate_hold(&node->gate, busy_ms);
}

static void write_digits(char *to, const struct value *value, uint64_t number)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned base = value->digits == digest_digits ? 16 : 10;
    number = value->modulo == 0 ? number : number % value->modulo;
    for (unsigned i = value->digits; i-- > 0; number /= base)
        to[i] = digits[number % base];
}

/* The text of one value of row number i. */
static void write_value(const struct value *value, unsigned text_bytes, uint64_t i, char ret_text[static row_max])
{
    size_t len = (size_t)snprintf(ret_text, row_max, "%s", value->fixed);
    write_digits(ret_text + len, value, i);
    len += value->digits;
    if (value->digits == text_digits) {
        memset(ret_text + len, 'x', text_bytes - len - 3);
        len = text_bytes - 3;
        memcpy(ret_text + len, " */", 3);
        len += 3;
    }
    ret_text[len] = '\0';
}

static const struct value *find_value(const char *column)
{
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (strcasecmp(values[i].column, column) == 0)
            return &values[i];
    return NULL;
}

static void insert_made(struct node *node, const struct family *family, const struct digest_range *range)
{
    cleanup_free char *text = xcalloc(1, row_max);
    const struct value *digest_text = find_value("digest_text");
    for (uint64_t i = range->first; i < range->next; i++) {
        write_value(digest_text, range->text_bytes, i, text);
        database_mustf(&node->db,
                       "INSERT INTO stats.%s VALUES (1, 'app', 'web', '', '0x%016llX', %Q, %lld, 1700000000, %lld, "
                       "%lld, 100, 5000, 0, %lld)",
                       family->table, (unsigned long long)i, text, (long long)(1000 + i % 1000),
                       (long long)(1700000000 + i % 1000000), (long long)(1000000 + i % 1000000),
                       (long long)(1000 + i % 1000));
    }
}

static void refresh_family(struct node *node, int which, bool reset)
{
    const struct family *f = &families[which];
    database_mustf(&node->db, "BEGIN; DELETE FROM stats.%s; INSERT INTO stats.%s SELECT * FROM %s", f->table, f->table,
                   f->live);
    struct digest_range range = take_made(&node->digests, which, reset);
    insert_made(node, f, &range);
    if (reset)
        database_mustf(&node->db, "DELETE FROM stats.%s; INSERT INTO stats.%s SELECT * FROM stats.%s; DELETE FROM %s",
                       f->reset_table, f->reset_table, f->table, f->live);
    database_must(&node->db, "COMMIT");
}

/* What ProxySQL says of its memory, as far as it is about digests. */
static void refresh_memory(struct node *node)
{
    struct digest_range range = take_made(&node->digests, DIGEST_MYSQL, false);
    database_mustf(&node->db,
                   "DELETE FROM stats.stats_memory_metrics; INSERT INTO stats.stats_memory_metrics VALUES "
                   "('SQLite3_memory_bytes', '2844504'), ('query_digest_memory', '%lld')",
                   (long long)((range.next - range.first) * (range.text_bytes + memory_of_row)));
}

void digests_refresh(struct node *node, const char *statement)
{
    if (strstr(statement, "stats_memory_metrics") != NULL)
        refresh_memory(node);
    int count = node->version[0] >= '3' ? DIGEST_FAMILIES : DIGEST_PGSQL;
    for (int i = 0; i < count; i++) {
        if (strstr(statement, families[i].table) == NULL)
            continue;
        stay_busy(node);
        refresh_family(node, i, strstr(statement, families[i].reset_table) != NULL);
    }
}

static bool send_more(struct packet_source *source, struct packet_writer *out)
{
    struct digest_stream *s = (struct digest_stream *)source;
    size_t len = s->row.out.len;
    for (; s->range.first < s->range.next && out->out.len < chunk_bytes; s->range.first++) {
        packet_put(out, s->row.out.data, len);
        if (out->error != 0)
            return false;
        char *row = out->out.data + out->out.len - len;
        row[3] = (char)out->seq++;
        for (size_t i = 0; i < s->patch_count; i++)
            write_digits(row + s->patches[i].at, s->patches[i].value, s->range.first);
    }
    if (s->range.first < s->range.next)
        return true;
    packet_eof(out);
    return false;
}

static void free_stream(struct packet_source *source)
{
    struct digest_stream *s = (struct digest_stream *)source;
    packet_writer_fini(&s->row);
    free(s);
}

static void add_column(struct digest_stream *s, const struct value *value, char text[static row_max])
{
    write_value(value, s->range.text_bytes, s->range.first, text);
    packet_put_string(&s->row, text, strlen(text));
    if (value->digits > 0)
        s->patches[s->patch_count++] =
            (struct patch){.at = s->row.out.len - strlen(text) + strlen(value->fixed), .value = value};
}

struct column_list {
    const struct value *value[columns_max];
    char name[columns_max][name_max];
    size_t count;
};

/* "a, b AS c" up to " FROM ". False: anything else. */
static bool parse_columns(const char *text, size_t len, struct column_list *ret_list)
{
    cleanup_free char *list = xasprintf("%.*s", (int)len, text);
    char *rest = list;
    for (char *item = strsep(&rest, ","); item != NULL; item = strsep(&rest, ",")) {
        char column[name_max];
        char as[name_max];
        int n = sscanf(item, " %63[a-zA-Z_\"] AS %63[a-z_]", column, as);
        const char *plain = column + strspn(column, "\"");
        column[(size_t)(plain - column) + strcspn(plain, "\"")] = '\0';
        const struct value *value = n >= 1 ? find_value(plain) : NULL;
        if (value == NULL || ret_list->count == columns_max)
            return false;
        ret_list->value[ret_list->count] = value;
        (void)snprintf(ret_list->name[ret_list->count++], name_max, "%s", n == 2 ? as : plain);
    }
    return ret_list->count > 0;
}

/* The family whose table is all that follows FROM, or -1. */
static int parse_table(const char *text, bool *ret_reset)
{
    for (int i = 0; i < DIGEST_FAMILIES; i++) {
        *ret_reset = strcmp(text, families[i].reset_table) == 0;
        if (*ret_reset || strcmp(text, families[i].table) == 0)
            return i;
    }
    return -1;
}

static void start_stream(struct digest_range range, const struct column_list *columns, struct packet_writer *out)
{
    struct digest_stream *s = xcalloc(1, sizeof *s);
    s->source = (struct packet_source){.more = send_more, .free = free_stream};
    s->range = range;
    packet_writer_init(&s->row);
    cleanup_free char *text = xcalloc(1, row_max);
    packet_begin(&s->row);
    for (size_t i = 0; i < columns->count; i++)
        add_column(s, columns->value[i], text);
    packet_end(&s->row);
    packet_column_count(out, (unsigned)columns->count);
    for (size_t i = 0; i < columns->count; i++)
        packet_column(out, columns->name[i]);
    packet_eof(out);
    out->source = &s->source;
}

/* The live rows go first, all at once: there are few. */
static void put_live(struct node *node, const char *list, int len, int which, struct packet_writer *out)
{
    char *sql = sqlite3_mprintf("SELECT %.*s FROM %s", len, list, families[which].live);
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(node->db.admin, sql, -1, &statement, NULL) != SQLITE_OK)
        abort();
    while (sqlite3_step(statement) == SQLITE_ROW)
        packet_sqlite_row(out, statement);
    (void)sqlite3_finalize(statement);
    sqlite3_free(sql);
}

bool digests_stream(struct node *node, const char *statement, struct packet_writer *out)
{
    static const char select[] = "SELECT ";
    static const char from[] = " FROM ";
    const char *list = statement + sizeof select - 1;
    const char *end = strncasecmp(statement, select, sizeof select - 1) == 0 ? strstr(list, from) : NULL;
    struct column_list columns = {.count = 0};
    bool reset = false;
    int which = end != NULL ? parse_table(end + sizeof from - 1, &reset) : -1;
    if (which < 0 || (which == DIGEST_PGSQL && node->version[0] < '3') ||
        !parse_columns(list, (size_t)(end - list), &columns))
        return false;
    struct digest_range range = take_made(&node->digests, which, false);
    if (range.first == range.next)
        return false;
    stay_busy(node);
    range = take_made(&node->digests, which, reset);
    start_stream(range, &columns, out);
    put_live(node, list, (int)(end - list), which, out);
    if (reset)
        database_mustf(&node->db, "DELETE FROM %s", families[which].live);
    return true;
}

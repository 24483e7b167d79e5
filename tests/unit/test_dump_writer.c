#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/dump/dump_writer.h"
#include "shared/buf.h"
#include "shared/mem.h"

enum { output_max = 4096 };

static struct error err;

/* What a writer makes of one row whose text values are all `text`. */
static void write_one(int format, const char *pod, const struct db_row *row, struct buf *out)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    const struct dump_sink_options options = {.fd = fds[1]};
    struct dump_sink sink;
    struct dump_writer writer;
    error_clear(&err);
    assert_int_equal(dump_sink_init(&sink, &options, &err), 0);
    dump_writer_init(&writer, format, pod, &sink);
    assert_int_equal(dump_writer_row(&writer, row, &err), 0);
    assert_int_equal(dump_sink_finish(&sink, &err), 0);
    assert_int_equal(sink.rows, 1);
    assert_int_equal(sink.rows_written, 1);
    fd_close(fds[1]);
    char text[output_max];
    ssize_t n = read(fds[0], text, sizeof(text));
    assert_int_equal(n, sink.bytes_out);
    assert_int_equal(buf_append(out, text, (size_t)n), 0);
    fd_close(fds[0]);
    dump_writer_fini(&writer);
    dump_sink_fini(&sink);
}

/* Values in the order of enum admin_digest_column. */
static void check_values(int format, const char *const values[ADMIN_DIGEST_COLUMNS], const char *expected)
{
    char *copies[ADMIN_DIGEST_COLUMNS];
    unsigned long lengths[ADMIN_DIGEST_COLUMNS];
    for (size_t i = 0; i < ADMIN_DIGEST_COLUMNS; i++) {
        copies[i] = xstrdup(values[i]);
        lengths[i] = values[i] == NULL ? 0 : strlen(values[i]);
    }
    const struct db_row row = {.count = ADMIN_DIGEST_COLUMNS, .values = copies, .lengths = lengths};
    cleanup_buf struct buf out;
    buf_init(&out, output_max);
    write_one(format, "pod", &row, &out);
    assert_string_equal(out.data, expected);
    for (size_t i = 0; i < ADMIN_DIGEST_COLUMNS; i++)
        free(copies[i]);
}

static const char *const usual[ADMIN_DIGEST_COLUMNS] = {
    "1", "db", "user", "10.0.0.1", "0xAB", "SELECT ?", "3", "1700000000", "1700086399", "10", "2", "5", "0", "7"};

static void columns_are_in_order(void **state)
{
    (void)state;
    check_values(DUMP_FORMAT_CSV, usual,
                 "pod,1,db,user,0xAB,SELECT ?,3,2023-11-14T22:13:20Z,2023-11-15T22:13:19Z,10,2,5,0,7,10.0.0.1\r\n");
    check_values(
        DUMP_FORMAT_JSONL, usual,
        "{\"pod_name\":\"pod\",\"hostgroup\":1,\"schemaname\":\"db\",\"username\":\"user\",\"digest\":\"0xAB\","
        "\"digest_text\":\"SELECT ?\",\"count_star\":3,\"first_seen\":\"2023-11-14T22:13:20Z\","
        "\"last_seen\":\"2023-11-15T22:13:19Z\",\"sum_time_us\":10,\"min_time_us\":2,\"max_time\":5,"
        "\"sum_rows_affected\":0,\"sum_rows_sent\":7,\"client_address\":\"10.0.0.1\"}\n");
}

/* What is no number or no time stays what it is; NULL is nothing. */
static void odd_values_are_kept(void **state)
{
    (void)state;
    static const char *const odd[ADMIN_DIGEST_COLUMNS] = {
        "-1", "", NULL, "", "0x", "a\rb,\"c\"", "007", "soon", "999999999999", "1e3", "--1", "99999999999999999999999",
        "-",  ""};
    check_values(DUMP_FORMAT_CSV, odd,
                 "pod,-1,,,0x,\"a\rb,\"\"c\"\"\",007,soon,999999999999,1e3,--1,99999999999999999999999,-,,\r\n");
    check_values(DUMP_FORMAT_JSONL, odd,
                 "{\"pod_name\":\"pod\",\"hostgroup\":-1,\"schemaname\":\"\",\"username\":null,\"digest\":\"0x\","
                 "\"digest_text\":\"a\\rb,\\\"c\\\"\",\"count_star\":\"007\",\"first_seen\":\"soon\","
                 "\"last_seen\":\"999999999999\",\"sum_time_us\":\"1e3\",\"min_time_us\":\"--1\","
                 "\"max_time\":\"99999999999999999999999\",\"sum_rows_affected\":\"-\",\"sum_rows_sent\":\"\","
                 "\"client_address\":\"\"}\n");
}

static void check_time(const char *seconds, const char *expected)
{
    const char *values[ADMIN_DIGEST_COLUMNS];
    char line[256];
    memcpy(values, usual, sizeof(values));
    values[ADMIN_DIGEST_FIRST_SEEN] = seconds;
    (void)snprintf(line, sizeof(line), "pod,1,db,user,0xAB,SELECT ?,3,%s,2023-11-15T22:13:19Z,10,2,5,0,7,10.0.0.1\r\n",
                   expected);
    check_values(DUMP_FORMAT_CSV, values, line);
}

static void times_are_utc(void **state)
{
    (void)state;
    check_time("0", "1970-01-01T00:00:00Z");
    check_time("951782400", "2000-02-29T00:00:00Z");
    check_time("951868799", "2000-02-29T23:59:59Z");
    check_time("4107542399", "2100-02-28T23:59:59Z");
    check_time("4107542400", "2100-03-01T00:00:00Z");
    check_time("253402300799", "9999-12-31T23:59:59Z");
    check_time("253402300800", "253402300800");
    check_time("-1", "-1");
}

static void check_json_text(const char *text, size_t len, const char *expected)
{
    char *values[ADMIN_DIGEST_COLUMNS];
    unsigned long lengths[ADMIN_DIGEST_COLUMNS] = {0};
    for (size_t i = 0; i < ADMIN_DIGEST_COLUMNS; i++)
        values[i] = NULL;
    cleanup_free char *copy = xcalloc(1, len + 1);
    memcpy(copy, text, len);
    values[ADMIN_DIGEST_DIGEST_TEXT] = copy;
    lengths[ADMIN_DIGEST_DIGEST_TEXT] = len;
    const struct db_row row = {.count = ADMIN_DIGEST_COLUMNS, .values = values, .lengths = lengths};
    cleanup_buf struct buf out;
    buf_init(&out, output_max);
    write_one(DUMP_FORMAT_JSONL, "p", &row, &out);
    cleanup_free char *wanted = xasprintf("\"digest_text\":%s,", expected);
    if (strstr(out.data, wanted) == NULL)
        fail_msg("%s is not in %s", wanted, out.data);
}

static void json_loses_no_byte(void **state)
{
    (void)state;
    check_json_text("", 0, "\"\"");
    check_json_text("a\0b", 3, "\"a\\u0000b\"");
    check_json_text("\"\\\n\r\t\x1f\x7f", 7, "\"\\\"\\\\\\n\\r\\t\\u001f\\u007f\"");
    check_json_text("k\xc3\xa4se \xf0\x9f\xa7\x80", 10, "\"k\xc3\xa4se \xf0\x9f\xa7\x80\"");
    check_json_text("\xff\xc3", 2, "\"\\udcff\\udcc3\"");
    check_json_text("\xed\xb2\x80", 3, "\"\\udced\\udcb2\\udc80\"");
}

static void another_number_of_columns_is_refused(void **state)
{
    (void)state;
    struct dump_writer writer = {.format = DUMP_FORMAT_CSV};
    const struct db_row row = {.count = ADMIN_DIGEST_COLUMNS - 1};
    error_clear(&err);
    assert_int_equal(dump_writer_row(&writer, &row, &err), -EPROTO);
    assert_string_equal(err.text, "ProxySQL answers with rows of 13 columns in place of 14");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_in_order),
        cmocka_unit_test(odd_values_are_kept),
        cmocka_unit_test(times_are_utc),
        cmocka_unit_test(json_loses_no_byte),
        cmocka_unit_test(another_number_of_columns_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

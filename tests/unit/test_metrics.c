#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/metrics/metrics.h"
#include "shared/file.h"

static bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* Prometheus' conventions, as far as the table can break them. */
static void test_table_is_well_formed(void **state)
{
    (void)state;
    for (const struct metric *m = metric_table; m->name != NULL; m++) {
        assert_int_equal(strspn(m->name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(m->name));
        assert_true(strncmp(m->name, "proxysql_agent_", 15) == 0 || strncmp(m->name, "process_", 8) == 0);
        assert_int_equal(ends_in(m->name, "_total"), m->type == METRIC_COUNTER);
        assert_non_null(m->sample);
        assert_false(ends_in(m->help, "."));
        assert_true(m->unit[0] == '\0' || strstr(m->name, m->unit) != NULL);
        for (const struct metric *other = metric_table; other != m; other++)
            assert_string_not_equal(m->name, other->name);
    }
}

static void test_documentation_is_up_to_date(void **state)
{
    (void)state;
    cleanup_buf struct buf text;
    cleanup_buf struct buf file;
    struct error err = ERROR_INIT;
    buf_init(&text, 1 << 20);
    buf_init(&file, 1 << 20);
    assert_int_equal(metrics_reference(&text), 0);
    assert_int_equal(file_read(SOURCE_FOLDER "/docs/metrics.md", &file, &err), 0);
    assert_string_equal(file.data, text.data);
}

static enum metrics_format format_of(const char *value)
{
    return metrics_accept(value, strlen(value));
}

static void test_accept(void **state)
{
    (void)state;
    static const char *const open[] = {
        "application/openmetrics-text",
        "Application/OpenMetrics-Text; version=1.0.0",
        ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
         "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
        "text/plain;q=0.5 , application/openmetrics-text ; q=0.5",
        "text/plain;q=0.899,application/openmetrics-text;q=0.9",
        "application/openmetrics-text;q=nonsense",
    };
    static const char *const text[] = {
        "",
        "*/*",
        "text/plain",
        "text/plain,application/openmetrics-text;q=0.9",
        "application/openmetrics-text;q=0",
        "application/openmetrics-text;q=0.000",
        "application/openmetrics-textual",
        ",,;;q=,=;",
        "text/*;q=1.0,application/openmetrics-text;q=0.999",
    };
    for (size_t i = 0; i < ARRAY_LEN(open); i++)
        assert_int_equal(format_of(open[i]), METRICS_OPENMETRICS);
    for (size_t i = 0; i < ARRAY_LEN(text); i++)
        assert_int_equal(format_of(text[i]), METRICS_TEXT);
}

static const struct metric requests = {
    "x_requests_total", METRIC_COUNTER, "", "", "Requests \"by\\path\"\nof all", NULL};
static const struct metric durations = {"x_duration_seconds", METRIC_HISTOGRAM, "seconds", "", "How long", NULL};
static const struct metric mood = {"x_mood", METRIC_GAUGE, "", "", "Mood", NULL};

static void write_samples(enum metrics_format format, struct buf *out)
{
    static const char *const moods[] = {"good", "bad", NULL};
    struct metric_writer w;
    metric_writer_init(&w, format, out);
    metric_family(&w, &requests);
    metric_sample_1(&w, "path", "a\\b\"c\nd", 12345678901.0);
    metric_family(&w, &mood);
    metric_sample_states(&w, "is", moods, "bad");
    metric_sample(&w, NULL, 0.25);
    assert_int_equal(metric_writer_end(&w), 0);
}

static void test_text(void **state)
{
    (void)state;
    cleanup_buf struct buf out;
    buf_init(&out, 65536);
    write_samples(METRICS_TEXT, &out);
    assert_string_equal(out.data, "# HELP x_requests_total Requests \"by\\\\path\"\\nof all.\n"
                                  "# TYPE x_requests_total counter\n"
                                  "x_requests_total{path=\"a\\\\b\\\"c\\nd\"} 12345678901\n"
                                  "# HELP x_mood Mood.\n# TYPE x_mood gauge\n"
                                  "x_mood{is=\"good\"} 0\nx_mood{is=\"bad\"} 1\nx_mood 0.25\n");
}

static void test_openmetrics(void **state)
{
    (void)state;
    cleanup_buf struct buf out;
    buf_init(&out, 65536);
    write_samples(METRICS_OPENMETRICS, &out);
    assert_non_null(strstr(out.data, "# TYPE x_requests counter\nx_requests_total{"));
    assert_non_null(strstr(out.data, "# HELP x_requests Requests \\\"by"));
    assert_true(ends_in(out.data, "# EOF\n"));
}

static void test_histogram(void **state)
{
    (void)state;
    struct histogram h = {0};
    cleanup_buf struct buf out;
    struct metric_writer w;
    buf_init(&out, 65536);
    histogram_add_us(&h, -5);
    histogram_add_us(&h, 1000);
    histogram_add_us(&h, 1001);
    histogram_add_us(&h, INT64_C(400) * 1000 * 1000);
    const struct metric_label labels[] = {{"kind", "a"}, {NULL, NULL}};
    metric_writer_init(&w, METRICS_OPENMETRICS, &out);
    metric_family(&w, &durations);
    metric_sample_histogram(&w, labels, &h);
    assert_int_equal(metric_writer_end(&w), 0);
    static const char *const lines[] = {
        "# UNIT x_duration_seconds seconds\n",
        "x_duration_seconds_bucket{kind=\"a\",le=\"0.001\"} 2\n",
        "x_duration_seconds_bucket{kind=\"a\",le=\"0.0025\"} 3\n",
        "x_duration_seconds_bucket{kind=\"a\",le=\"1.0\"} 3\n",
        "x_duration_seconds_bucket{kind=\"a\",le=\"300.0\"} 3\n",
        "x_duration_seconds_bucket{kind=\"a\",le=\"+Inf\"} 4\n",
        "x_duration_seconds_sum{kind=\"a\"} 400.002001\n",
        "x_duration_seconds_count{kind=\"a\"} 4\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_non_null(strstr(out.data, lines[i]));
}

static void test_no_room(void **state)
{
    (void)state;
    cleanup_buf struct buf out;
    struct metric_writer w;
    buf_init(&out, 40);
    metric_writer_init(&w, METRICS_TEXT, &out);
    metric_family(&w, &requests);
    metric_sample(&w, NULL, 1);
    assert_int_equal(metric_writer_end(&w), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_well_formed),
        cmocka_unit_test(test_documentation_is_up_to_date),
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_openmetrics),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/log.h"

enum { captured_max = 1 << 20 };

/* Lines go to a temporary file; the text that was written since the start is read back. */
static int capture_fd = -1;
static char captured[captured_max];

static void capture(struct log_options options)
{
    char path[] = "/tmp/test_log_XXXXXX";
    capture_fd = mkstemp(path);
    assert_true(capture_fd >= 0);
    assert_int_equal(unlink(path), 0);
    options.fd = capture_fd;
    log_configure(&options);
}

static const char *end_capture(void)
{
    ssize_t len = pread(capture_fd, captured, sizeof(captured) - 1, 0);
    assert_true(len >= 0);
    captured[len] = '\0';
    (void)close(capture_fd);
    capture_fd = -1;
    log_configure(&(struct log_options){.level = LOG_LEVEL_INFO, .fd = STDOUT_FILENO});
    return captured;
}

/* The line without its time, which only has to look like one. */
static const char *after_time(const char *line, const char *prefix)
{
    size_t prefix_len = strlen(prefix);
    assert_memory_equal(line, prefix, prefix_len);
    const char *time = line + prefix_len;
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    for (size_t i = 0; i < sizeof(shape) - 1; i++)
        assert_true(shape[i] == 'd' ? time[i] >= '0' && time[i] <= '9' : time[i] == shape[i]);
    return time + sizeof(shape) - 1;
}

static void text_lines_are_logfmt(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *printed;
    } rows[] = {
        {"plain", "plain"},
        {"10.0.0.1:6032", "10.0.0.1:6032"},
        {"", "\"\""},
        {NULL, "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"a\"b", "\"a\\\"b\""},
        {"a\\b", "\"a\\\\b\""},
        {"line\nlevel=ERROR", "\"line\\nlevel=ERROR\""},
        {"\x1b[31m", "\"\\u001b[31m\""},
        {"a\x7f", "\"a\\u007f\""},
        {"\xc3\xbc", "\"\xc3\xbc\""},
        {"\xff", "\"\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        capture((struct log_options){.level = LOG_LEVEL_INFO});
        log_warn("pool ready", LOG_STR("v", rows[i].value), LOG_INT("n", -5), LOG_BOOL("b", true));
        char expected[200];
        (void)snprintf(expected, sizeof(expected), " level=WARN msg=\"pool ready\" v=%s n=-5 b=true\n",
                       rows[i].printed);
        assert_string_equal(after_time(end_capture(), "time="), expected);
    }
}

static void json_lines_are_objects(void **state)
{
    (void)state;
    capture((struct log_options){.level = LOG_LEVEL_INFO, .format = LOG_FORMAT_JSON});
    log_error("it\n\"broke\"", LOG_STR("v", "a\xff"), LOG_INT("n", INT64_MIN), LOG_BOOL("b", false),
              LOG_STR("none", NULL));
    assert_string_equal(after_time(end_capture(), "{\"time\":\""),
                        "\",\"level\":\"ERROR\",\"msg\":\"it\\n\\\"broke\\\"\",\"v\":\"a\xef\xbf\xbd\","
                        "\"n\":-9223372036854775808,\"b\":false,\"none\":\"\"}\n");
}

static void a_message_may_stand_alone(void **state)
{
    (void)state;
    capture((struct log_options){.level = LOG_LEVEL_INFO});
    log_info("started");
    assert_string_equal(after_time(end_capture(), "time="), " level=INFO msg=started\n");
}

static void levels_below_the_set_one_are_silent(void **state)
{
    (void)state;
    static const enum log_level levels[] = {LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR};
    static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    for (size_t set = 0; set < ARRAY_LEN(levels); set++) {
        capture((struct log_options){.level = LOG_LEVEL_ERROR});
        log_set_level(levels[set]);
        assert_int_equal(log_get_level(), levels[set]);
        for (size_t i = 0; i < ARRAY_LEN(levels); i++)
            log_write(levels[i], "f", 1, names[i], (const struct log_field[]){LOG_END});
        const char *text = end_capture();
        for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
            assert_string_equal(log_level_name(levels[i]), names[i]);
            char line[40];
            (void)snprintf(line, sizeof(line), "level=%s msg=%s\n", names[i], names[i]);
            assert_int_equal(strstr(text, line) != NULL, i >= set);
        }
    }
}

static void the_source_is_named_from_the_root(void **state)
{
    (void)state;
    capture((struct log_options){.level = LOG_LEVEL_INFO, .source = true});
    log_write(LOG_LEVEL_INFO, "/some/where/daemon/http/api.c", 42, "m", (const struct log_field[]){LOG_END});
    assert_string_equal(after_time(end_capture(), "time="), " level=INFO msg=m source=daemon/http/api.c:42\n");
}

static void only_the_level_is_coloured(void **state)
{
    (void)state;
    capture((struct log_options){.level = LOG_LEVEL_INFO, .color = true});
    log_error("m", LOG_INT("n", 1));
    assert_string_equal(after_time(end_capture(), "time="), " level=\x1b[31mERROR\x1b[0m msg=m n=1\n");
    capture((struct log_options){.level = LOG_LEVEL_INFO, .color = true, .format = LOG_FORMAT_JSON});
    log_error("m");
    assert_null(strchr(end_capture(), '\x1b'));
}

/* Whatever the lengths, a line ends well and within the limit, and only whole fields are left out. */
static void long_lines_are_cut_between_fields(void **state)
{
    (void)state;
    static char text[LOG_LINE_MAX + 10];
    for (size_t len = LOG_LINE_MAX - 90; len < LOG_LINE_MAX + 5; len++) {
        memset(text, 'x', len);
        text[len] = '\0';
        capture((struct log_options){.level = LOG_LEVEL_INFO, .format = LOG_FORMAT_JSON});
        log_info("m", LOG_INT("first", 1), LOG_STR("long", text), LOG_INT("last", 1));
        const char *line = end_capture();
        size_t line_len = strlen(line);
        assert_true(line_len <= LOG_LINE_MAX);
        assert_string_equal(line + line_len - 2, "}\n");
        assert_non_null(strstr(line, "\"first\":1"));
        assert_true(strstr(line, "x") == NULL || strstr(line, "x\"") != NULL);
        assert_true(strstr(line, "\"last\"") == NULL || strstr(line, "\"long\"") != NULL);
    }
    assert_null(strstr(captured, "long"));
}

static void a_message_that_is_too_long_says_so(void **state)
{
    (void)state;
    static char text[LOG_LINE_MAX + 1];
    memset(text, 'x', sizeof(text) - 1);
    static const enum log_format formats[] = {LOG_FORMAT_TEXT, LOG_FORMAT_JSON};
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        capture((struct log_options){.level = LOG_LEVEL_INFO, .format = formats[i]});
        log_info(text, LOG_INT("n", 1));
        const char *line = end_capture();
        assert_non_null(strstr(line, "\"(message too long)\""));
        assert_non_null(strstr(line, i == 0 ? " n=1\n" : ",\"n\":1}\n"));
    }
}

enum { writers = 4, lines_each = 500 };

static void *write_lines(void *arg)
{
    static const char letters[writers][2] = {"a", "b", "c", "d"};
    char text[101];
    memset(text, letters[*(int *)arg][0], 100);
    text[100] = '\0';
    for (int i = 0; i < lines_each; i++)
        log_info("m", LOG_STR("v", text));
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    capture((struct log_options){.level = LOG_LEVEL_INFO});
    pthread_t threads[writers];
    int numbers[writers];
    for (int i = 0; i < writers; i++) {
        numbers[i] = i;
        assert_int_equal(thread_start(&threads[i], "writer", write_lines, &numbers[i], NULL), 0);
    }
    for (int i = 0; i < writers; i++)
        thread_join(threads[i]);
    int lines = 0;
    (void)end_capture();
    char *rest = captured;
    for (char *line = strsep(&rest, "\n"); line != NULL && *line != '\0'; line = strsep(&rest, "\n")) {
        const char *value = after_time(line, "time=") + strlen(" level=INFO msg=m v=");
        assert_int_equal(strlen(value), 100);
        assert_int_equal(strspn(value, (char[]){*value, '\0'}), 100);
        lines++;
    }
    assert_int_equal(lines, writers * lines_each);
}

static void a_broken_output_is_survived(void **state)
{
    (void)state;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    log_configure(&(struct log_options){.level = LOG_LEVEL_INFO, .fd = fd});
    log_info("lost");
    (void)close(fd);
    log_configure(&(struct log_options){.level = LOG_LEVEL_INFO, .fd = STDOUT_FILENO});
}

static size_t count_lines(int fd, const char *needle)
{
    size_t found = 0;
    size_t have = 0;
    ssize_t n;
    while ((n = read(fd, captured + have, sizeof(captured) - 1 - have)) > 0)
        have += (size_t)n;
    captured[have] = '\0';
    for (const char *p = captured; (p = strstr(p, needle)) != NULL; p++)
        found++;
    return found;
}

/* A pipe that nobody reads holds nobody up; what is lost meanwhile is counted. */
static void a_stalled_output_is_survived(void **state)
{
    (void)state;
    enum { sent = 3000 };
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    log_configure(&(struct log_options){.level = LOG_LEVEL_INFO, .fd = fds[1]});
    for (int i = 0; i < sent; i++)
        log_info("nobody reads this");
    size_t passed = count_lines(fds[0], "nobody reads this");
    assert_in_range(passed, 1, sent - 1);
    log_info("read again");
    assert_int_equal(count_lines(fds[0], "read again"), 1);
    const char *told = strstr(captured, " lost=");
    assert_non_null(told);
    assert_true(told < strstr(captured, "read again"));
    assert_int_equal(strtoull(told + strlen(" lost="), NULL, 10), sent - passed);
    log_info("once");
    assert_int_equal(count_lines(fds[0], " lost="), 0);
    log_configure(&(struct log_options){.level = LOG_LEVEL_INFO, .fd = STDOUT_FILENO});
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void a_limit_lets_a_burst_pass_and_counts_the_rest(void **state)
{
    (void)state;
    struct log_limit limit = LOG_LIMIT_INIT(3, 600000);
    uint64_t suppressed = 99;
    for (int i = 0; i < 3; i++) {
        assert_true(log_limit_pass(&limit, &suppressed));
        assert_int_equal(suppressed, 0);
    }
    suppressed = 99;
    for (int i = 0; i < 5; i++)
        assert_false(log_limit_pass(&limit, &suppressed));
    assert_int_equal(suppressed, 99);
    mutex_lock(&limit.lock);
    limit.period_start_ms -= 600000; /* the period is over */
    mutex_unlock(&limit.lock);
    assert_true(log_limit_pass(&limit, &suppressed));
    assert_int_equal(suppressed, 5);
    assert_true(log_limit_pass(&limit, &suppressed));
    assert_int_equal(suppressed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines_are_logfmt),
        cmocka_unit_test(json_lines_are_objects),
        cmocka_unit_test(a_message_may_stand_alone),
        cmocka_unit_test(levels_below_the_set_one_are_silent),
        cmocka_unit_test(the_source_is_named_from_the_root),
        cmocka_unit_test(only_the_level_is_coloured),
        cmocka_unit_test(long_lines_are_cut_between_fields),
        cmocka_unit_test(a_message_that_is_too_long_says_so),
        cmocka_unit_test(lines_of_threads_do_not_mix),
        cmocka_unit_test(a_broken_output_is_survived),
        cmocka_unit_test(a_stalled_output_is_survived),
        cmocka_unit_test(a_limit_lets_a_burst_pass_and_counts_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

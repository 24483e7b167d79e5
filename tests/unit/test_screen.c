#include "tests/unit/unit.h"

#include <stdio.h>

#include "ctl/screen.h"
#include "ctl/table.h"

static struct screen screen;

static int set_up(void **state)
{
    (void)state;
    screen_init(&screen, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    screen_fini(&screen);
    return 0;
}

static void expect(const char *text)
{
    assert_string_equal(screen.out.data, text);
    buf_reset(&screen.out);
}

/* What others say writes nothing to the terminal but characters. */
static void test_only_printable_characters(void **state)
{
    (void)state;
    screen_print(&screen, COLOR_GOOD, "%s", "a\033[2Jb\007\r\x7f\xc2\x9bz\xff \xc3\xa9\n");
    expect("a?[2Jb????z? \xc3\xa9\n");
}

static void test_colours_are_for_terminals(void **state)
{
    (void)state;
    screen.color = true;
    screen_print(&screen, COLOR_BAD, "no");
    screen_print(&screen, COLOR_NONE, "yes");
    expect("\033[31mno\033[0myes");
}

static void test_fields_are_broken_at_blanks(void **state)
{
    (void)state;
    char words[SCREEN_TEXT_MAX] = "";
    for (int i = 0; i < 30; i++)
        (void)snprintf(words + strlen(words), sizeof(words) - strlen(words), "word%d ", i);
    screen_field(&screen, "title", COLOR_NONE, "%s%0120d", words, 7);
    size_t columns = 0;
    for (const char *c = screen.out.data; *c != '\0'; c++) {
        columns = *c == '\n' ? 0 : columns + 1;
        assert_true(columns <= SCREEN_WIDTH);
    }
    assert_int_equal(strncmp(screen.out.data, "title      word0 ", 17), 0);
    assert_non_null(strstr(screen.out.data, "\n           word"));
    buf_reset(&screen.out);
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {{-1, "-"},
                {0, "0 s"},
                {1, "1 ms"},
                {999, "999 ms"},
                {1000, "1.0 s"},
                {59999, "59.9 s"},
                {60000, "1 min 0 s"},
                {3600000, "1 h 0 min"},
                {86400000, "1 d 0 h"},
                {INT64_C(31536000) * 1000 * 1000, "365000 d 0 h"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[SCREEN_TIME_SIZE];
        assert_string_equal(screen_duration(rows[i].ms, text), rows[i].text);
    }
}

static void test_a_table(void **state)
{
    (void)state;
    static const struct column columns[] = {{"NAME", false, false}, {"N", true, false}, {"END", false, true}};
    struct table *t = table_new(columns, ARRAY_LEN(columns));
    table_cell(t, COLOR_NONE, "a");
    table_cell(t, COLOR_NONE, "100");
    table_cell(t, COLOR_NONE, "two\nlines");
    table_print(t, &screen);
    table_free(t);
    expect("NAME    N  END\na     100  two lines\n");
}

/* However much is put into it. */
static void test_a_table_fits(void **state)
{
    (void)state;
    static const struct column columns[] = {{"ONE", false, true}, {"TWO", false, true}, {"NUMBER", true, false}};
    struct table *t = table_new(columns, ARRAY_LEN(columns));
    for (int i = 0; i < 300; i++) {
        table_cell(t, COLOR_NONE, "%0*d", i, 1);
        table_cell(t, COLOR_NONE, "\xc3\xa9%0*d", 300 - i, 1);
        table_cell(t, COLOR_NONE, "%d", i);
    }
    table_print(t, &screen);
    table_free(t);
    size_t lines = 0;
    for (char *line = strtok(screen.out.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_true(screen_columns(line) <= SCREEN_WIDTH);
        lines++;
    }
    assert_int_equal(lines, 301);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_printable_characters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_colours_are_for_terminals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fields_are_broken_at_blanks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_durations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_table_fits, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

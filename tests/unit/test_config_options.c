#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/config/option_value.h"
#include "shared/mem.h"

static const struct option *option(const char *key)
{
    int row = option_find(key, false);
    if (row < 0)
        fail_msg("no option %s", key);
    return &option_table[row];
}

static void every_default_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        struct config config = {.start_delay = 0};
        struct error err = ERROR_INIT;
        if (option_set(&config, &option_table[i], option_table[i].default_text, &err) < 0)
            fail_msg("%s: %s", option_table[i].key, err.text);
        option_clear_all(&config);
    }
}

/* What file schema, messages and printed files rely on. */
static void keys_are_well_formed(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const char *key = option_table[i].key;
        assert_true(strlen(key) < OPTION_KEY_MAX);
        assert_int_equal(strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_."), strlen(key));
        int levels = 1;
        for (const char *dot = strchr(key, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
            levels++;
        assert_true(levels <= OPTION_SEGMENTS_MAX);
        assert_int_equal(option_find_group(key), -1);
        assert_non_null(option_table[i].summary);
    }
}

static void environment_names_are_unambiguous(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        char name[OPTION_ENV_MAX];
        option_env_name(&option_table[i], name);
        assert_int_equal(option_find_env(name), (int)i);
        assert_string_not_equal(name, "AGENT_CONFIG_FILE");
    }
    assert_int_equal(option_find_env("AGENT_PROXYSQL_TLS_CA_FILE"), option_find("proxysql.tls.ca_file", false));
    assert_int_equal(option_find_env("agent_api_port"), -1);
}

/* A group that comes back after another one would be printed twice. */
static void keys_of_a_group_are_neighbours(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const char *key = option_table[i].key;
        for (const char *dot = strchr(key, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
            size_t len = (size_t)(dot - key) + 1;
            bool left = false;
            for (size_t j = i + 1; j < option_count; j++) {
                bool inside = strncmp(option_table[j].key, key, len) == 0;
                assert_false(inside && left);
                left = left || !inside;
            }
        }
    }
}

static void nearest_key_is_a_near_one(void **state)
{
    (void)state;
    static const struct {
        const char *unknown;
        const char *nearest;
        bool groups;
    } cases[] = {
        {"api.prot", "api.port", true},
        {"proxsql", "proxysql", true},
        {"proxsql", NULL, false},
        {"core.podselector.ap", "core.podselector.app", true},
        {"runmode", "run_mode", false},
        {"something.else", NULL, true},
        {"", NULL, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t len = 0;
        const char *nearest = option_nearest(cases[i].unknown, cases[i].groups, &len);
        assert_int_equal(nearest == NULL, cases[i].nearest == NULL);
        if (nearest != NULL) {
            cleanup_free char *text = xasprintf("%.*s", (int)len, nearest);
            assert_string_equal(text, cases[i].nearest);
        }
    }
    char endless[300];
    memset(endless, 'x', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    size_t len;
    assert_null(option_nearest(endless, true, &len));
    assert_string_equal(option_nearest_env("AGENT_API_PROT")->key, "api.port");
    assert_null(option_nearest_env("AGENT_SOMETHING_ELSE"));
}

static void values_are_judged_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *text;
        const char *refusal; /* NULL = accepted */
    } cases[] = {
        {"api.port", "1", NULL},
        {"api.port", "65535", NULL},
        {"api.port", "0", "\"0\" is out of range (allowed: 1 to 65535)"},
        {"api.port", "65536", "\"65536\" is out of range (allowed: 1 to 65535)"},
        {"api.port", "80x", "\"80x\" is not a whole number (allowed: 1 to 65535)"},
        {"api.port", " 80", "\" 80\" is not a whole number (allowed: 1 to 65535)"},
        {"api.port", "80 ", "\"80 \" is not a whole number (allowed: 1 to 65535)"},
        {"api.port", "010", "\"010\" is not a whole number (allowed: 1 to 65535)"},
        {"api.port", "0x50", "\"0x50\" is not a whole number (allowed: 1 to 65535)"},
        {"api.port", "+80", "\"+80\" is not a whole number (allowed: 1 to 65535)"},
        {"api.port", "8e1", "\"8e1\" is not a whole number (allowed: 1 to 65535)"},
        {"api.port", "80.0", "\"80.0\" is not a whole number (allowed: 1 to 65535)"},
        {"api.port", "", "\"\" is not a whole number (allowed: 1 to 65535)"},
        {"api.port", "-1", "\"-1\" is out of range (allowed: 1 to 65535)"},
        {"api.port", "99999999999999999999", "\"99999999999999999999\" is out of range (allowed: 1 to 65535)"},
        {"start_delay", "0", NULL},
        {"start_delay", "-1", "\"-1\" is out of range (allowed: 0 to 31536000)"},
        {"core.interval", "0", "\"0\" is out of range (allowed: 1 to 31536000)"},
        {"log.source", "maybe", "\"maybe\" is neither true nor false (allowed: true, false)"},
        {"log.source", "yes", "\"yes\" is neither true nor false (allowed: true, false)"},
        {"log.source", "tRUE", "\"tRUE\" is neither true nor false (allowed: true, false)"},
        {"run_mode", "core", NULL},
        {"run_mode", "", NULL},
        {"run_mode", "Core", "\"Core\" is unknown (allowed: core, satellite, dump)"},
        {"log.level", "wArN", NULL},
        {"log.format", "PLAIN", NULL},
        {"log.format", "json", NULL},
        {"log.format", "xml", "\"xml\" is unknown (allowed: text, JSON)"},
        {"proxysql.tls.mode", "verify", NULL},
        {"proxysql.tls.mode", "preferred", "\"preferred\" is unknown (allowed: disabled, required, verify)"},
        {"proxysql.address", "proxysql:6032", NULL},
        {"proxysql.address", "[::1]:6032", NULL},
        {"proxysql.address", "proxysql",
         "\"proxysql\" is not an address with a port (allowed: host:port or [IPv6]:port)"},
        {"proxysql.address", "a b:1", "\"a b:1\" is not an address with a port (allowed: host:port or [IPv6]:port)"},
        {"proxysql.username", "r\303\244dmin", NULL},
        {"proxysql.username", "a\nb", "\"a?b\" holds a control character or is not UTF-8"},
        {"proxysql.username", "\xff", "\"?\" holds a control character or is not UTF-8"},
        {"proxysql.username", "\xc0\x80", "\"??\" holds a control character or is not UTF-8"},
        {"proxysql.username", "\xed\xa0\x80", "\"???\" holds a control character or is not UTF-8"},
        {"proxysql.username", "\xc2\x85", "\"??\" holds a control character or is not UTF-8"},
        {"proxysql.password", "any \x01\xff byte", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config config = {.start_delay = 0};
        struct error err = ERROR_INIT;
        int rc = option_set(&config, option(cases[i].key), cases[i].text, &err);
        option_clear_all(&config);
        if ((rc == 0) != (cases[i].refusal == NULL))
            fail_msg("%s: \"%s\": %s", cases[i].key, cases[i].text, rc == 0 ? "accepted" : err.text);
        if (rc < 0)
            assert_string_equal(err.text, cases[i].refusal);
    }
}

static void booleans_have_gos_spellings(void **state)
{
    (void)state;
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};
    struct config config = {.start_delay = 0};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        assert_int_equal(option_set(&config, option("log.source"), yes[i], NULL), 0);
        assert_true(config.log.source);
        assert_int_equal(option_set(&config, option("log.source"), no[i], NULL), 0);
        assert_false(config.log.source);
    }
}

static void refused_value_changes_nothing(void **state)
{
    (void)state;
    struct config config = {.start_delay = 0};
    option_set_defaults(&config);
    assert_int_equal(option_set(&config, option("api.port"), "0", NULL), -EINVAL);
    assert_int_equal(option_set(&config, option("proxysql.address"), "x", NULL), -EINVAL);
    assert_int_equal(config.api.port, 8080);
    assert_string_equal(config.proxysql.address, "127.0.0.1:6032");
    option_clear_all(&config);
}

static void long_values_are_refused_and_shown_cut(void **state)
{
    (void)state;
    char text[OPTION_TEXT_MAX + 2];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct config config = {.start_delay = 0};
    struct error err = ERROR_INIT;
    assert_int_equal(option_set(&config, option("proxysql.username"), text, &err), -EINVAL);
    assert_string_equal(err.text, "the value is too long (allowed: 4096 bytes)");
    text[OPTION_TEXT_MAX] = '\0';
    assert_int_equal(option_set(&config, option("proxysql.username"), text, NULL), 0);
    option_clear_all(&config);

    char shown[OPTION_SHOWN_MAX];
    option_quote(text, shown);
    assert_int_equal(strlen(shown), OPTION_SHOWN_MAX - 1);
    assert_string_equal(shown + OPTION_SHOWN_MAX - 6, "x...\"");
}

static void lists_are_split_at_commas(void **state)
{
    (void)state;
    struct config config = {.start_delay = 0};
    assert_int_equal(option_set(&config, option("interfaces"), "eth0,eth1", NULL), 0);
    assert_int_equal(config.interfaces.count, 2);
    assert_string_equal(config.interfaces.items[0], "eth0");
    assert_string_equal(config.interfaces.items[1], "eth1");
    assert_int_equal(option_set(&config, option("interfaces"), "", NULL), 0);
    assert_int_equal(config.interfaces.count, 0);
    assert_null(config.interfaces.items);

    assert_int_equal(option_set(&config, option("interfaces"), "eth0,", NULL), -EINVAL);
    assert_int_equal(option_set(&config, option("interfaces"), ",eth0", NULL), -EINVAL);

    char many[2 * (OPTION_ITEMS_MAX + 1) + 1] = "";
    for (size_t i = 0; i <= OPTION_ITEMS_MAX; i++)
        memcpy(many + 2 * i, "x,", 3);
    struct error err = ERROR_INIT;
    assert_int_equal(option_set(&config, option("interfaces"), many, &err), -EINVAL);
    assert_string_equal(err.text, "the list has too many items (allowed: 64)");
    option_clear_all(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_is_accepted),
        cmocka_unit_test(keys_are_well_formed),
        cmocka_unit_test(environment_names_are_unambiguous),
        cmocka_unit_test(keys_of_a_group_are_neighbours),
        cmocka_unit_test(nearest_key_is_a_near_one),
        cmocka_unit_test(values_are_judged_strictly),
        cmocka_unit_test(booleans_have_gos_spellings),
        cmocka_unit_test(refused_value_changes_nothing),
        cmocka_unit_test(long_values_are_refused_and_shown_cut),
        cmocka_unit_test(lists_are_split_at_commas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

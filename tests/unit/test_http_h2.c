#include "tests/unit/unit.h"

#include <curl/curl.h>

#include "daemon/http/http_conns.h"
#include "shared/mem.h"
#include "tests/unit/http_fixture.h"

struct received {
    size_t len;
    char text[256];
};

static size_t on_data(char *data, size_t size, size_t count, void *arg)
{
    struct received *r = arg;
    assert_true(r->len + size * count < sizeof(r->text));
    memcpy(r->text + r->len, data, size * count);
    r->len += size * count;
    return size * count;
}

static void curl_get(struct world *w, const char *path, long version, int times)
{
    cleanup_free char *url = xasprintf("http://127.0.0.1:%u%s", (unsigned)http_server_port(w->server), path);
    struct received r = {0};
    CURL *curl = curl_easy_init();
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, version);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &r);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)wait_ms);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    for (int i = 0; i < times; i++) {
        long used = 0;
        long status = 0;
        r = (struct received){0};
        assert_int_equal(curl_easy_perform(curl), CURLE_OK);
        (void)curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &used);
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        assert_int_equal(used, CURL_HTTP_VERSION_2);
        assert_int_equal(status, 200);
        assert_string_equal(r.text, "hello");
    }
    curl_easy_cleanup(curl);
}

static void test_h2c_prior_knowledge(void **state)
{
    struct world *w = *state;
    curl_get(w, "/now?a=b", CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE, 1); /* libcurl 7.88 fails on reuse: its issue 10634 */
}

static void test_h2c_upgrade(void **state)
{
    struct world *w = *state;
    curl_get(w, "/now", CURL_HTTP_VERSION_2_0, 3);
}

static void test_client_gone_http2(void **state)
{
    struct world *w = *state;
    int fd = h2_new(w, NULL, 0);
    h2_get(fd, 1, "/later");
    wait_deferred(w, 1);
    h2_reset(fd, 1);
    h2_get(fd, 3, "/now"); /* frames are handled in order */
    h2_wait(fd, frame_data, 3);
    wake_all(w);
    h2_get(fd, 5, "/later");
    wait_deferred(w, 2);
    client_close(w, fd);
    assert_works(w);
    wake_all(w);
    assert_works(w);
    assert_int_equal(resumed(w), 0);
}

static void test_rapid_reset(void **state)
{
    struct world *w = *state;
    int fd = h2_new(w, NULL, 0);
    for (uint32_t i = 0; i < HTTP_UNANSWERED_MAX; i++) {
        h2_get(fd, 2 * i + 1, "/later");
        h2_reset(fd, 2 * i + 1);
    }
    assert_closed(fd);
    wait_deferred(w, HTTP_UNANSWERED_MAX);
    assert_works(w);
}

/* Ends although its window never opens: SETTINGS_INITIAL_WINDOW_SIZE 0. */
static void test_answer_never_taken(void **state)
{
    (void)state;
    struct world *w = world_start((struct http_server_options){.request_timeout_ms = 100});
    int fd = h2_new(w, "\0\x04\0\0\0\0", 6);
    h2_get(fd, 1, "/now");
    assert_closed(fd);
    world_stop(w);
}

int main(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    const struct CMUnitTest tests[] = {
        WORLD(test_h2c_prior_knowledge),
        WORLD(test_h2c_upgrade),
        WORLD(test_client_gone_http2),
        WORLD(test_rapid_reset),
        cmocka_unit_test(test_answer_never_taken),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return rc;
}

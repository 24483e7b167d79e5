#include "tests/unit/unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "daemon/control/control_client.h"
#include "proto/protocol.h"
#include "shared/mem.h"

/* The clock is this test's: nothing is waited for. */
static struct control_client *client;
static int peer;

static int set_up(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    client = control_client_new(ends[0], 1000);
    peer = ends[1];
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    control_client_free(client);
    fd_close(peer);
    return 0;
}

static size_t read_what_is_there(void)
{
    static char bytes[64 * 1024];
    size_t got = 0;
    ssize_t n;
    while ((n = recv(peer, bytes, sizeof(bytes), 0)) > 0)
        got += (size_t)n;
    return got;
}

static void answer_with(size_t len)
{
    static const char bytes[1024] = {0};
    for (size_t i = 0; i < len / sizeof(bytes); i++)
        assert_int_equal(buf_append(&client->out, bytes, sizeof(bytes)), 0);
}

static void a_frame_has_its_time_from_the_first_byte(void **state)
{
    (void)state;
    const uint8_t *content = NULL;
    size_t len = 0;
    struct error err = ERROR_INIT;
    assert_int_equal(control_client_deadline_ms(client), 1000 + CONTROL_IDLE_MS);
    for (int64_t now_ms = 2000; now_ms < 2003; now_ms++) {
        assert_int_equal(send(peer, "", 1, 0), 1);
        assert_int_equal(control_client_receive(client, now_ms, &content, &len, &err), 0);
        assert_int_equal(control_client_deadline_ms(client), 2000 + CONTROL_FRAME_MS);
    }
    assert_int_equal(send(peer, "\1\5", 2, 0), 2);
    assert_int_equal(control_client_receive(client, 2003, &content, &len, &err), 1);
    assert_int_equal(len, 1);
    assert_int_equal(content[0], 5);
}

/* Who reads a little again and again goes in the end. */
static void an_answer_has_its_time_too(void **state)
{
    (void)state;
    int64_t now_ms = 10000;
    int64_t end_ms = now_ms + CONTROL_ANSWER_MS;
    answer_with(PROTOCOL_ANSWER_BYTES_MAX);
    control_client_set_state(client, CONTROL_CLIENT_SENDING, now_ms);
    control_client_send(client, now_ms);
    assert_int_equal(client->state, CONTROL_CLIENT_SENDING);
    assert_int_equal(control_client_deadline_ms(client), now_ms + CONTROL_SEND_MS);
    for (int i = 0; i < 7; i++) {
        now_ms += CONTROL_SEND_MS - 1;
        assert_true(read_what_is_there() > 0);
        control_client_send(client, now_ms);
        assert_true(client->out.len > 0);
        int64_t next_ms = now_ms + CONTROL_SEND_MS;
        assert_int_equal(control_client_deadline_ms(client), next_ms < end_ms ? next_ms : end_ms);
    }
    assert_int_equal(control_client_deadline_ms(client), end_ms);
}

static void a_whole_answer_makes_it_idle(void **state)
{
    (void)state;
    answer_with(PROTOCOL_ANSWER_BYTES_MAX);
    control_client_set_state(client, CONTROL_CLIENT_SENDING, 5000);
    size_t got = 0;
    for (int64_t now_ms = 5000; client->out.len > 0; now_ms++) {
        control_client_send(client, now_ms);
        got += read_what_is_there();
    }
    assert_int_equal(got, PROTOCOL_ANSWER_BYTES_MAX);
    assert_int_equal(client->state, CONTROL_CLIENT_IDLE);
    assert_false(client->gone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_frame_has_its_time_from_the_first_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_has_its_time_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_whole_answer_makes_it_idle, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

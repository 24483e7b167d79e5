#include "tests/unit/admin_fixture.h"

#include "shared/clock.h"

static const struct db_params params = {
    .username = "radmin", .ca_file = "", .cert_file = "", .key_file = "", .cancel_fd = -1};
struct stand_in px;
struct scripted_server script;
struct db_conn *conn;
struct error err;

int64_t soon(void)
{
    return clock_mono_ms() + enough_ms;
}

void must(int rc)
{
    if (rc != 0)
        fail_msg("%d: %s", rc, err.text);
}

void connect_to(uint16_t port)
{
    error_clear(&err);
    conn = db_conn_new(&params);
    must(db_conn_connect(conn, "127.0.0.1", port, "radmin", soon(), &err));
}

void run(const char *sql)
{
    error_clear(&err);
    must(db_conn_query(conn, sql, NULL, NULL, DB_ANSWER_BYTES_MAX, soon(), NULL, &err));
}

void start_stand_in_with(const char *const *flags)
{
    stand_in_start(&px, flags);
    connect_to(px.admin_port);
}

int start_stand_in(void **state)
{
    (void)state;
    start_stand_in_with(NULL);
    return 0;
}

int stop_stand_in(void **state)
{
    (void)state;
    db_conn_free(conn);
    stand_in_stop(&px);
    return 0;
}

void script_begin(void)
{
    scripted_server_init(&script);
    scripted_greeting(&script, "mysql_native_password");
    scripted_login_ok(&script);
}

void script_connect(void)
{
    scripted_server_run(&script);
    connect_to(script.port);
}

void script_end(void)
{
    db_conn_free(conn);
    scripted_server_stop(&script);
    scripted_server_fini(&script);
}

void script_serve(unsigned columns, unsigned rows, const char *const *values)
{
    script_begin();
    scripted_rows(&script, columns, rows, values);
    script_connect();
}

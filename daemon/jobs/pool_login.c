#include "daemon/jobs/pool_login.h"

static enum db_tls tls_mode(int mode)
{
    switch (mode) {
    case TLS_MODE_REQUIRED:
        return DB_TLS_REQUIRED;
    case TLS_MODE_VERIFY:
        return DB_TLS_VERIFY;
    default:
        return DB_TLS_DISABLED;
    }
}

struct db_pool_options pool_login(const struct config *config)
{
    return (struct db_pool_options){
        .password = config->proxysql.password,
        .password_file = config->proxysql.password_file,
        .connect_timeout_ms = config->proxysql.connect_timeout_ms,
        .params = {.username = config->proxysql.username,
                   .tls = tls_mode(config->proxysql.tls.mode),
                   .ca_file = config->proxysql.tls.ca_file,
                   .cert_file = config->proxysql.tls.cert_file,
                   .key_file = config->proxysql.tls.key_file},
    };
}

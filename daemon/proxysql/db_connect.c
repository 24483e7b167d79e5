#include "daemon/proxysql/db_connect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <errmsg.h>
#include <mysql.h>

#include <mysqld_error.h>

/* The stack on which Connector/C's calls are suspended; OpenSSL's handshake is what needs the most of it. */
enum { coroutine_stack_bytes = 96 * 1024 * (BUILT_WITH_SANITIZER ? 4 : 1) };

static void set_text_option(MYSQL *mysql, enum mysql_option option, const char *text)
{
    if (text[0] != '\0')
        (void)mysql_options(mysql, option, text);
}

static void set_tls(MYSQL *mysql, const struct db_params *p)
{
    /* Both are set explicitly: ENFORCE without VERIFY falls back to clear text without a word. */
    my_bool enforce = p->tls != DB_TLS_DISABLED;
    my_bool verify = p->tls == DB_TLS_VERIFY;
    (void)mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &enforce);
    (void)mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
    if (p->tls == DB_TLS_DISABLED)
        return;
    set_text_option(mysql, MYSQL_OPT_SSL_CA, p->ca_file);
    set_text_option(mysql, MYSQL_OPT_SSL_CERT, p->cert_file);
    set_text_option(mysql, MYSQL_OPT_SSL_KEY, p->key_file);
}

MYSQL *db_connect_new(const struct db_params *params)
{
    MYSQL *mysql = mysql_init(NULL);
    if (mysql == NULL)
        abort();
    size_t stack = coroutine_stack_bytes;
    (void)mysql_options(mysql, MYSQL_OPT_NONBLOCK, &stack);
    size_t packet = DB_ROW_BYTES_MAX;
    (void)mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
    /* A server may ask its client for local files and for the password in clear text: not us. */
    unsigned off = 0;
    (void)mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
    (void)mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH, "mysql_native_password,caching_sha2_password");
    set_tls(mysql, params);
    return mysql;
}

/* Connector/C reports the errno of a failed connect(2) only inside the text: `... (111)` or `... (111 "Connection
 * refused")`. */
static int connect_errno(const char *text)
{
    const char *paren = strrchr(text, '(');
    int code = paren == NULL ? 0 : atoi(paren + 1);
    return code > 0 && code < 4096 ? -code : -EHOSTUNREACH;
}

int db_connect_error(MYSQL *mysql, struct error *err)
{
    unsigned number = mysql_errno(mysql);
    const char *text = mysql_error(mysql);
    switch (number) {
    case ER_ACCESS_DENIED_ERROR:
    case ER_DBACCESS_DENIED_ERROR:
        return error_set(err, -EACCES, "login denied: %s", text);
    case CR_CONN_HOST_ERROR:
    case CR_CONNECTION_ERROR:
        return error_set(err, connect_errno(text), "%s", text);
    case CR_SERVER_LOST:
    case CR_SERVER_GONE_ERROR:
        return error_set(err, -ECONNRESET, "connection lost while logging in: %s", text);
    default:
        return error_set(err, -EPROTO, "login failed: error %u: %s", number, text);
    }
}

int db_connect_check_tls(MYSQL *mysql, enum db_tls tls, struct error *err)
{
    if (tls != DB_TLS_DISABLED && mysql_get_ssl_cipher(mysql) == NULL)
        return error_set(err, -EPROTO, "TLS is required but the server does not offer it (mysql-have_ssl)");
    return 0;
}

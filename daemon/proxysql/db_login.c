#include "daemon/proxysql/db_login.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/proxysql/db_pool.h"
#include "shared/file.h"
#include "shared/mem.h"

void db_login_init(struct db_login *login, const struct db_pool_options *o)
{
    *login = (struct db_login){
        .username = xstrdup(o->params.username),
        .password = xstrdup(o->password),
        .password_file = xstrdup(o->password_file),
        .tls = o->params.tls,
        .ca_file = xstrdup(o->params.ca_file),
        .cert_file = xstrdup(o->params.cert_file),
        .key_file = xstrdup(o->params.key_file),
        .connect_timeout_ms = o->connect_timeout_ms,
        .version = 1,
    };
}

void db_login_copy(struct db_login *ret_login, const struct db_login *from)
{
    *ret_login = (struct db_login){
        .username = xstrdup(from->username),
        .password = xstrdup(from->password),
        .password_file = xstrdup(from->password_file),
        .tls = from->tls,
        .ca_file = xstrdup(from->ca_file),
        .cert_file = xstrdup(from->cert_file),
        .key_file = xstrdup(from->key_file),
        .connect_timeout_ms = from->connect_timeout_ms,
        .version = from->version,
    };
}

static bool is_same(const struct db_login *a, const struct db_login *b)
{
    return strcmp(a->username, b->username) == 0 && strcmp(a->password, b->password) == 0 &&
           strcmp(a->password_file, b->password_file) == 0 && a->tls == b->tls && strcmp(a->ca_file, b->ca_file) == 0 &&
           strcmp(a->cert_file, b->cert_file) == 0 && strcmp(a->key_file, b->key_file) == 0;
}

void db_login_change(struct db_login *login, const struct db_pool_options *options)
{
    struct db_login next;
    db_login_init(&next, options);
    next.version = login->version + (is_same(login, &next) ? 0 : 1);
    db_login_fini(login);
    *login = next;
}

void db_login_fini(struct db_login *login)
{
    if (login->password != NULL)
        explicit_bzero(login->password, strlen(login->password));
    free(login->username);
    free(login->password);
    free(login->password_file);
    free(login->ca_file);
    free(login->cert_file);
    free(login->key_file);
    *login = (struct db_login){.username = NULL};
}

struct db_params db_login_params(const struct db_login *login, int cancel_fd)
{
    return (struct db_params){.username = login->username,
                              .tls = login->tls,
                              .ca_file = login->ca_file,
                              .cert_file = login->cert_file,
                              .key_file = login->key_file,
                              .cancel_fd = cancel_fd};
}

int db_login_read_password(const struct db_login *login, struct buf *out, struct error *err)
{
    if (login->password_file[0] == '\0')
        return buf_puts(out, login->password) < 0 ? error_set(err, -EACCES, "the password is too long") : 0;
    struct error why = ERROR_INIT;
    if (file_read(login->password_file, out, &why) < 0)
        return error_set(err, -EACCES, "proxysql.password_file: %s", why.text);
    while (out->len > 0 && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
        out->data[--out->len] = '\0';
    return 0;
}

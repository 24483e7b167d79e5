#include "daemon/proxysql/db_library.h"

#include <errno.h>
#include <mysql.h>

#include "daemon/proxysql/db_socket.h"

int db_library_start(struct error *err)
{
    if (mysql_library_init(0, NULL, NULL) != 0 || db_socket_hook_start() < 0)
        return error_set(err, -EIO, "the MySQL client library does not initialise");
    return 0;
}

void db_library_stop(void)
{
    db_socket_hook_stop();
    mysql_library_end();
}

void db_thread_start(void)
{
    (void)mysql_thread_init();
}

void db_thread_end(void)
{
    mysql_thread_end();
}

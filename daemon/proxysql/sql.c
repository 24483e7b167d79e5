#include "daemon/proxysql/sql.h"

#include <errno.h>
#include <string.h>

int sql_quote(struct buf *sql, const char *value)
{
    size_t before = sql->len;
    int rc = buf_puts(sql, "'");
    for (const char *p = value; rc == 0 && *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            rc = -EINVAL;
        else
            rc = *p == '\'' ? buf_puts(sql, "''") : buf_append(sql, p, 1);
    }
    if (rc == 0)
        rc = buf_puts(sql, "'");
    if (rc < 0)
        buf_truncate(sql, before);
    return rc;
}

#include "tests/fakes/proxysql/packet_sqlite.h"

enum { null_value = 0xfb };

void packet_sqlite_row(struct packet_writer *w, sqlite3_stmt *statement)
{
    packet_begin(w);
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        const char *text = (const char *)sqlite3_column_text(statement, i);
        if (text == NULL)
            packet_put_int(w, null_value, 1);
        else
            packet_put_string(w, text, (size_t)sqlite3_column_bytes(statement, i));
    }
    packet_end(w);
}

"""One statement on a connection of its own."""
import contextlib


def rows_of(connection, sql):
    """Its rows, a tuple of tuples. The connection is closed, whatever happens."""
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()

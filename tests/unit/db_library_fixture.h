#pragma once

/* The library behind db_conn, for one group of tests: given to cmocka_run_group_tests() as its setup and teardown. */
#include "tests/unit/unit.h"

#include "daemon/proxysql/db_library.h"

static inline int start_library(void **state)
{
    (void)state;
    struct error start_err = ERROR_INIT;
    return db_library_start(&start_err);
}

static inline int stop_library(void **state)
{
    (void)state;
    db_thread_end();
    db_library_stop();
    return 0;
}

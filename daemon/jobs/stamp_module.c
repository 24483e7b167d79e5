#include "daemon/jobs/stamp_module.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/proxysql/admin_cluster.h"
#include "shared/log.h"

enum { attempts_max = 3 }; /* when a peer's rows come in between */

static void note(const struct stamp_step *s, enum stamp_outcome outcome, int64_t version)
{
    s->state->outcome = outcome;
    s->state->version = version;
    s->note(s->arg, s->module, s->state);
}

static int read_version(const struct stamp_step *s, int64_t *ret_version, struct error *err)
{
    cleanup_view struct cluster_view view = {0};
    int rc = publisher_may_go_on(s->to, err);
    if (rc == 0)
        rc = admin_read_modules(s->to->conn, publisher_deadline_ms(s->to), &view, err);
    if (rc < 0)
        return rc;
    const struct module_state *own = admin_module_own(&view, s->module);
    if (own == NULL)
        return error_set(err, -EPROTO, "ProxySQL does not tell the version of %s", admin_module_name(s->module));
    *ret_version = own->version;
    return 0;
}

static int read_file(const struct publisher *to, enum admin_module module, uint64_t *ret_rows, struct error *err)
{
    int rc = publisher_may_go_on(to, err);
    return rc < 0 ? rc : admin_module_from_config(to->conn, module, publisher_deadline_ms(to), ret_rows, err);
}

static int count_rows(const struct publisher *to, enum admin_module module, struct module_rows *ret_rows,
                      struct error *err)
{
    int rc = publisher_may_go_on(to, err);
    return rc < 0 ? rc : admin_module_count(to->conn, module, publisher_deadline_ms(to), ret_rows, err);
}

static int clear_tables(const struct publisher *to, enum admin_module module, const struct module_rows *rows,
                        struct error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && admin_module_table(module, i) != NULL; i++) {
        if (rows->memory[i] <= 0)
            continue;
        rc = publisher_may_go_on(to, err);
        if (rc == 0)
            rc = admin_module_clear(to->conn, module, i, publisher_deadline_ms(to), err);
    }
    return rc;
}

/* A table that the file left empty gets the rows back that runtime has of it. */
static int refill_tables(const struct publisher *to, enum admin_module module, struct error *err)
{
    struct module_rows rows;
    int64_t filled = 0;
    int rc = count_rows(to, module, &rows, err);
    for (size_t i = 0; rc == 0 && admin_module_table(module, i) != NULL; i++)
        filled += rows.memory[i] > 0 ? rows.memory[i] : 0;
    if (rc == 0 && filled == 0)
        return error_set(err, -EPROTO, "%s: ProxySQL takes none of the file's rows", admin_module_name(module));
    for (size_t i = 0; rc == 0 && admin_module_table(module, i) != NULL; i++) {
        if (rows.memory[i] != 0 || rows.runtime[i] == 0)
            continue;
        rc = publisher_may_go_on(to, err);
        if (rc == 0)
            rc = admin_module_copy_runtime(to->conn, module, i, publisher_deadline_ms(to), err);
    }
    return rc;
}

/* FROM CONFIG merges, so what the file no longer has is deleted, and then the file is read again. */
static int replace_tables(const struct publisher *to, enum admin_module module, uint64_t expected, struct error *err)
{
    struct module_rows rows;
    uint64_t again = 0;
    int rc = count_rows(to, module, &rows, err);
    if (rc == 0)
        rc = clear_tables(to, module, &rows, err);
    if (rc == 0)
        rc = read_file(to, module, &again, err);
    if (rc < 0)
        return rc;
    if (again != expected)
        return error_set(err, -EBUSY, "%s: the file had %llu rows, now it has %llu", admin_module_name(module),
                         (unsigned long long)expected, (unsigned long long)again);
    return refill_tables(to, module, err);
}

/* A failure of the first reading leaves memory as it was: it is told from the others by *ret_rows, which stays 0. */
int stamp_module_stage(const struct publisher *to, enum admin_module module, uint64_t *ret_rows, struct error *err)
{
    *ret_rows = 0;
    uint64_t rows = 0;
    int rc = read_file(to, module, &rows, err);
    if (rc < 0 || rows == 0)
        return rc;
    *ret_rows = rows;
    return admin_module_table(module, 0) == NULL ? 0 : replace_tables(to, module, rows, err);
}

static int restore(const struct stamp_step *s, struct error *err)
{
    int rc = publisher_may_go_on(s->to, err);
    if (rc == 0)
        rc = admin_module_save_from_runtime(s->to->conn, s->module, publisher_deadline_ms(s->to), err);
    if (rc == 0)
        note(s, STAMP_WAITING, 0);
    return rc;
}

static int load(const struct stamp_step *s, const char *why, enum load_reason reason, struct error *err)
{
    int rc = publisher_may_go_on(s->to, err);
    if (rc == 0)
        rc = admin_module_to_runtime(s->to->conn, s->module, publisher_deadline_ms(s->to), err);
    if (rc < 0)
        return rc;
    job_counters_add_load(s->module, reason);
    char message[64];
    (void)snprintf(message, sizeof(message), "LOAD %s TO RUNTIME", admin_module_name(s->module));
    log_info(message, LOG_STR("reason", why), LOG_INT("rows", s->state->rows));
    return 0;
}

static int leave_alone(const struct stamp_step *s, const char *why, const char *error)
{
    log_info("the configuration file leaves a module as it is", LOG_STR("module", admin_module_name(s->module)),
             LOG_STR("reason", why), LOG_STR("error", error));
    note(s, STAMP_LEFT_ALONE, 0);
    return 0;
}

/* Memory has the file's rows. *ret_again: another one's LOAD came in between (a peer's rows were pulled), so runtime,
 * or memory, may not be what the file says. */
static int publish(const struct stamp_step *s, int64_t before, const char *why, bool *ret_again, struct error *err)
{
    int64_t now = 0;
    int rc = read_version(s, &now, err);
    *ret_again = rc == 0 && now != before;
    if (rc < 0 || *ret_again)
        return rc;
    note(s, STAMP_LOADING, before);
    rc = load(s, why, LOAD_NEW_LIFE, err);
    if (rc == 0)
        rc = read_version(s, &now, err);
    *ret_again = rc == 0 && now != before + 1;
    if (rc == -EREMOTEIO || *ret_again)
        note(s, STAMP_BEGUN, now);
    else if (rc == 0)
        note(s, STAMP_DONE, now);
    return rc;
}

static int attempt(const struct stamp_step *s, const char *why, bool *ret_again, struct error *err)
{
    struct error file_error = ERROR_INIT;
    int64_t before = 0;
    uint64_t rows = 0;
    *ret_again = false;
    int rc = read_version(s, &before, err);
    if (rc < 0)
        return rc;
    note(s, STAMP_BEGUN, before);
    rc = stamp_module_stage(s->to, s->module, &rows, &file_error);
    s->state->rows = (int64_t)rows;
    if (rc == -EREMOTEIO && rows == 0)
        return leave_alone(s, "it cannot be read", file_error.text);
    if (rc < 0)
        return error_set(err, rc, "%s", file_error.text);
    return rows == 0 ? leave_alone(s, "it has no rows of it", "") : publish(s, before, why, ret_again, err);
}

/* What an earlier run has left. *ret_loaded: its LOAD was executed. */
static int take_up(const struct stamp_step *s, bool *ret_loaded, struct error *err)
{
    const struct stamp_module left = *s->state;
    int64_t version = 0;
    *ret_loaded = false;
    if (left.outcome != STAMP_BEGUN && left.outcome != STAMP_LOADING)
        return 0;
    int rc = read_version(s, &version, err);
    if (rc == 0 && left.outcome == STAMP_LOADING && version > left.version) {
        *ret_loaded = true;
        note(s, STAMP_DONE, version);
        return 0;
    }
    return rc == 0 ? restore(s, err) : rc;
}

/* Nothing of a failed module stays in memory; what failed first is what is reported. */
static int fail(const struct stamp_step *s, int code, struct error *err)
{
    struct error ignored = ERROR_INIT;
    if (s->state->outcome == STAMP_BEGUN && !db_conn_busy(s->to->conn) && !db_conn_broken(s->to->conn))
        (void)!restore(s, &ignored);
    return error_set(err, code, "%s failed", admin_module_name(s->module));
}

int stamp_module_run(const struct stamp_step *s, const char *why, struct error *err)
{
    bool loaded = false;
    int rc = take_up(s, &loaded, err);
    if (rc < 0 || loaded)
        return rc;
    bool again = true;
    for (int i = 0; rc == 0 && again && i < attempts_max; i++)
        rc = attempt(s, why, &again, err);
    if (rc == 0 && again)
        rc = error_set(err, -EBUSY, "%s: somebody else loads it all the time", admin_module_name(s->module));
    return rc < 0 ? fail(s, rc, err) : 0;
}

int stamp_module_load_again(const struct stamp_step *s, struct error *err)
{
    return load(s, load_reason_text(LOAD_SAME_EPOCH), LOAD_SAME_EPOCH, err);
}

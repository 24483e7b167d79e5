#include "daemon/jobs/stamp_dry_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/jobs/stamp_module.h"

enum { shown_max = 50 /* rows of a module; the others are counted */, key_size = 128 };

struct difference {
    char table[64];
    char key[key_size];
    bool in_memory;
    bool told;
};

struct differences {
    size_t count;
    size_t more; /* beyond shown_max */
    struct difference items[shown_max];
};

static void take(void *arg, const char *table, bool in_memory, const char *key)
{
    struct differences *d = arg;
    if (d->count >= shown_max) {
        d->more++;
        return;
    }
    struct difference *one = &d->items[d->count++];
    *one = (struct difference){.in_memory = in_memory};
    (void)snprintf(one->table, sizeof(one->table), "%s", table);
    (void)snprintf(one->key, sizeof(one->key), "%s", key);
}

static void tell(const struct publisher *to, const char *text)
{
    job_report_progress(to->job, &(struct job_progress){.text = text, .unit = ""});
}

/* A row that memory and runtime have with different values is there twice. */
static struct difference *find_other(struct differences *d, const struct difference *one)
{
    for (size_t i = 0; i < d->count; i++) {
        struct difference *other = &d->items[i];
        if (other != one && !other->told && other->in_memory != one->in_memory &&
            strcmp(other->table, one->table) == 0 && strcmp(other->key, one->key) == 0)
            return other;
    }
    return NULL;
}

static void tell_rows(const struct publisher *to, struct differences *d)
{
    char line[256];
    for (size_t i = 0; i < d->count; i++) {
        struct difference *one = &d->items[i];
        if (one->told)
            continue;
        struct difference *other = find_other(d, one);
        if (other != NULL)
            other->told = true;
        (void)snprintf(line, sizeof(line), "  %c %s %s",
                       other != NULL    ? '~'
                       : one->in_memory ? '+'
                                        : '-',
                       one->table, one->key);
        tell(to, line);
    }
    if (d->more == 0)
        return;
    (void)snprintf(line, sizeof(line), "  and %zu rows more", d->more);
    tell(to, line);
}

static void tell_module(const struct publisher *to, enum admin_module module, int rc, uint64_t rows,
                        struct differences *d, const struct error *why)
{
    char line[384];
    const char *name = admin_module_name(module);
    if (rc == -EREMOTEIO && rows == 0)
        (void)snprintf(line, sizeof(line), "%s: left alone, the file cannot be read: %s", name, why->text);
    else if (rc < 0)
        (void)snprintf(line, sizeof(line), "%s: would fail: %s", name, why->text);
    else if (rows == 0)
        (void)snprintf(line, sizeof(line), "%s: left alone, the file has no rows of it", name);
    else if (d->count == 0)
        (void)snprintf(line, sizeof(line), "%s: nothing would change (%llu rows in the file)", name,
                       (unsigned long long)rows);
    else
        (void)snprintf(line, sizeof(line), "%s: would change (%llu rows in the file)", name, (unsigned long long)rows);
    tell(to, line);
    tell_rows(to, d);
}

/* What is put in memory is taken out again, also when the agent begins to drain meanwhile. *changing is counted up when
 * the module would change. */
static int look(const struct publisher *to, enum admin_module module, unsigned *changing, struct error *err)
{
    struct differences d = {.count = 0};
    struct error why = ERROR_INIT;
    uint64_t rows = 0;
    int rc = publisher_may_go_on(to, err);
    if (rc == 0)
        rc = admin_module_keep(to->conn, module, publisher_deadline_ms(to), err);
    if (rc < 0)
        return rc;
    int staged = stamp_module_stage(to, module, &rows, &why);
    if (staged == 0 && rows > 0)
        staged = admin_module_compare(to->conn, module, publisher_deadline_ms(to), take, &d, &why);
    if (db_conn_busy(to->conn) || db_conn_broken(to->conn) || staged == -ECANCELED)
        (void)error_set(err, staged, "%s", why.text);
    if (db_conn_busy(to->conn) || db_conn_broken(to->conn))
        return staged;
    rc = admin_module_put_back(to->conn, module, publisher_deadline_ms(to), err);
    if (rc < 0 || staged == -ECANCELED)
        return rc < 0 ? rc : staged;
    tell_module(to, module, staged, rows, &d, &why);
    *changing += staged == 0 && d.count > 0 ? 1 : 0;
    return 0;
}

int stamp_dry_run(const struct publisher *to, struct error *err)
{
    unsigned changing = 0;
    int rc = 0;
    for (int i = 0; rc == 0 && i < ADMIN_MODULES; i++)
        rc = look(to, (enum admin_module)i, &changing, err);
    if (rc == 0)
        job_set_summary(to->job, "a stamp would change %u of %d modules; nothing was changed", changing, ADMIN_MODULES);
    return rc;
}

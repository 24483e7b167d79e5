#include "daemon/jobs/reload.h"

#include "daemon/config/change.h"
#include "daemon/jobs/job_table.h"
#include "daemon/jobs/pool_login.h"
#include "shared/log.h"

enum { keys_bytes_max = OPTION_COUNT_MAX * (OPTION_KEY_MAX + 2) };

/* The log is told while nobody else can change its level, so that it is the snapshot's. */
static void replace(struct config_live *live, struct loaded_config *next, struct config_changes *ret_changes)
{
    const struct loaded_config *current = config_live_change_begin(live);
    config_merge(current, next, ret_changes);
    log_set_level((enum log_level)next->config.log.level);
    log_set_form((enum log_format)next->config.log.format, next->config.log.source);
    config_live_change_end(live, next);
}

/* What modules keep of their own. */
static void tell_modules(const struct job_context *c, const struct config *config)
{
    const struct db_pool_options login = pool_login(config);
    db_pool_change_login(c->pool, &login);
    for (size_t kind = 0; kind < JOB_IDS; kind++)
        if (job_table_interval_ms(kind, config) > 0)
            scheduler_set_interval(c->scheduler, kind, job_table_interval_ms(kind, config));
    if (c->pods != NULL)
        pod_watch_set_confirm_ms(c->pods, config->core.interval * 1000);
}

static void report(struct job *job, const struct config_changes *changes)
{
    cleanup_buf struct buf live;
    cleanup_buf struct buf pending;
    buf_init(&live, keys_bytes_max);
    buf_init(&pending, keys_bytes_max);
    if (config_write_keys(changes->live, &live) < 0 || config_write_keys(changes->pending, &pending) < 0)
        log_error("reload: no memory to name what changed");
    log_info("configuration reloaded", LOG_INT("changed", changes->live_count), LOG_STR("keys", live.data));
    if (changes->pending_count > 0)
        log_warn("settings that differ from the running ones wait for a restart", LOG_STR("keys", pending.data));
    job_set_summary(job, "%s%s%s%s", live.len == 0 ? "nothing changed" : "changed: ", live.data,
                    pending.len == 0 ? "" : "; needs a restart: ", pending.data);
}

int reload_run(struct job *job, void *context, struct error *err)
{
    const struct job_context *c = context;
    struct loaded_config *next = NULL;
    int rc = config_load_again(config_live_loaded(c->config), &next, err);
    if (rc < 0) {
        log_error("the configuration is not reloaded, nothing changes", LOG_STR("error", err->text));
        return rc;
    }
    config_warnings_log(&next->warnings);
    struct config_changes changes;
    replace(c->live, next, &changes);
    cleanup_config const struct config *config = config_live_get(c->live);
    tell_modules(c, config);
    report(job, &changes);
    return 0;
}

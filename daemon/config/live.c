#include "daemon/config/live.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "daemon/config/change.h"
#include "shared/mem.h"
#include "shared/thread.h"

struct CAPABILITY("config change") config_live {
    struct mutex change; /* held from reading what is current to replacing it; taken before lock */
    struct mutex lock;   /* between reading the pointer and counting the new holder nobody may replace it */
    struct loaded_config *current GUARDED;
};

static struct loaded_config *loaded_of(const struct config *config)
{
    return (struct loaded_config *)((uintptr_t)config - offsetof(struct loaded_config, config));
}

static void unref(struct loaded_config *loaded)
{
    unsigned before = atomic_fetch_sub_explicit(&loaded->holders, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1)
        config_free(loaded);
}

struct config_live *config_live_new(struct loaded_config *loaded)
{
    struct config_live *live = xcalloc(1, sizeof(*live));
    mutex_init(&live->change);
    mutex_init(&live->lock);
    atomic_init(&loaded->holders, 1);
    mutex_lock(&live->lock);
    live->current = loaded;
    mutex_unlock(&live->lock);
    return live;
}

void config_live_free(struct config_live *live)
{
    if (live == NULL)
        return;
    mutex_lock(&live->lock);
    struct loaded_config *last = live->current;
    mutex_unlock(&live->lock);
    unref(last);
    mutex_fini(&live->lock);
    mutex_fini(&live->change);
    free(live);
}

const struct config *config_live_get(struct config_live *live)
{
    mutex_lock(&live->lock);
    struct loaded_config *loaded = live->current;
    (void)atomic_fetch_add_explicit(&loaded->holders, 1, memory_order_relaxed);
    mutex_unlock(&live->lock);
    return &loaded->config;
}

void config_live_put(const struct config *config)
{
    if (config != NULL)
        unref(loaded_of(config));
}

const struct loaded_config *config_live_loaded(const struct config *config)
{
    return loaded_of(config);
}

const struct loaded_config *config_live_change_begin(struct config_live *live) NO_THREAD_ANALYSIS
{
    mutex_lock(&live->change);
    return live->current; /* only who holds the change lock replaces it */
}

void config_live_change_end(struct config_live *live, struct loaded_config *next) NO_THREAD_ANALYSIS
{
    atomic_init(&next->holders, 1);
    mutex_lock(&live->lock);
    struct loaded_config *before = live->current;
    live->current = next;
    mutex_unlock(&live->lock);
    mutex_unlock(&live->change);
    unref(before);
}

void config_live_set_log_level(struct config_live *live, enum log_level level)
{
    const struct loaded_config *current = config_live_change_begin(live);
    struct loaded_config *next = config_with_log_level(current, (int)level);
    log_set_level(level);
    config_live_change_end(live, next);
}

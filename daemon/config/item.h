#pragma once

#include "daemon/config/load.h"
#include "shared/buf.h"

/* One setting of a snapshot (config_live_loaded()), for those who show it: `config`, --show-config. */
struct config_item {
    const char *key;    /* of the option table */
    struct buf value;   /* as --show-config writes it, one line of YAML; secrets masked */
    const char *source; /* "default", "file", "environment", "flag", "command" */
    struct buf where;   /* "/etc/proxysql-agent/config.yaml:12", "AGENT_API_PORT", "--api.port" or nothing */
    bool reloads;       /* a reload changes it in life */
    bool pending;       /* the file says something else by now, which waits for a restart */
};

/* The setting of a row of the option table. 0, or -EMSGSIZE or -ENOMEM; config_item_fini() it in any case. */
MUST_CHECK int config_item_init(struct config_item *item, const struct loaded_config *loaded, size_t row);

void config_item_fini(struct config_item *item);
#define cleanup_config_item __attribute__((cleanup(config_item_fini)))

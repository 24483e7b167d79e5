#include "daemon/cluster/module_verdict.h"

#include <assert.h>
#include <string.h>

#include "shared/compiler.h"

enum { ms_per_s = 1000, checks_missed = 3 };

static bool is_stale(const struct cluster_view *view, const struct peer_row *row)
{
    int64_t patience_s = checks_missed * view->check_interval_ms / ms_per_s;
    return view->now - row->updated_at > (patience_s > MODULE_STALE_S ? patience_s : MODULE_STALE_S);
}

/* Both are known, reachable and different. */
static enum module_verdict judge_difference(const struct module_state *own, const struct peer_row *row)
{
    const struct module_state *peer = &row->state;
    bool peer_gives = peer->version > 1 && (own->version <= 1 || peer->epoch > own->epoch);
    bool own_gives = own->version > 1 && (peer->version <= 1 || own->epoch > peer->epoch);
    if (peer_gives)
        return row->diff_check > MODULE_CHECKS_MAX ? MODULE_NOT_PULLED : MODULE_WE_PULL;
    if (own_gives)
        return MODULE_PEER_PULLS;
    return own->version <= 1 ? MODULE_NOBODY_PULLS : MODULE_TIED;
}

enum module_verdict module_verdict_judge(const struct cluster_view *view, const struct module_state *own,
                                         const struct peer_row *row)
{
    if (row->updated_at == 0)
        return MODULE_NEVER;
    if (is_stale(view, row))
        return MODULE_STALE;
    if (own == NULL || strcmp(own->checksum, row->state.checksum) == 0)
        return MODULE_SAME;
    return judge_difference(own, row);
}

static const struct {
    const char *text;
    const char *level;
} verdicts[MODULE_VERDICTS] = {
    [MODULE_SAME] = {"in sync", "ok"},
    [MODULE_WE_PULL] = {"newer there: will be pulled", "changing"},
    [MODULE_NOT_PULLED] = {"newer there, but not pulled: sync off or failing", "bad"},
    [MODULE_PEER_PULLS] = {"newer here: the peer pulls it", "changing"},
    [MODULE_NOBODY_PULLS] = {"differs at version 1: nobody can pull it", "bad"},
    [MODULE_TIED] = {"conflict: one epoch, two contents; LOAD it on one", "bad"},
    [MODULE_STALE] = {"the peer is not checked any more", "bad"},
    [MODULE_NEVER] = {"the peer was never checked", "bad"},
};

const char *module_verdict_text(enum module_verdict verdict)
{
    assert((size_t)verdict < ARRAY_LEN(verdicts));
    return verdicts[verdict].text;
}

const char *module_verdict_level(enum module_verdict verdict)
{
    assert((size_t)verdict < ARRAY_LEN(verdicts));
    return verdicts[verdict].level;
}

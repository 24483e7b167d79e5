#include "tests/fakes/proxysql/peer.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

struct peer *peer_new(const char *hostname, uint16_t port)
{
    struct peer *peer = xcalloc(1, sizeof *peer);
    peer->hostname = xstrdup(hostname);
    peer->port = port;
    peer->comment = xstrdup("");
    for (int i = 0; i < PEER_USES; i++)
        peer->fds[i] = -1;
    return peer;
}

void peer_free(struct peer *peer)
{
    if (peer == NULL)
        return;
    free(peer->hostname);
    free(peer->comment);
    free(peer);
}

void peer_checksum_read(struct peer_checksum *sum, const struct checksum *value, const struct checksum *own,
                        int64_t now)
{
    bool changed = strcmp(sum->value.text, value->text) != 0;
    sum->value = *value;
    sum->updated_at = now;
    if (changed)
        sum->changed_at = now;
    sum->diff_check = changed ? 1 : sum->diff_check + 1;
    if (strcmp(sum->value.text, own->text) == 0)
        sum->diff_check = 0;
}

/* A difference that began on our side is not counted before the peer's next change: 0 stays 0. */
void peer_checksum_same(struct peer_checksum *sum, const struct checksum *own, int64_t now)
{
    sum->updated_at = now;
    if (strcmp(sum->value.text, own->text) == 0)
        sum->diff_check = 0;
    if (sum->diff_check > 0)
        sum->diff_check++;
}

bool peer_checksum_newer(const struct peer_checksum *sum, const struct checksum *own, unsigned diffs)
{
    return diffs > 0 && sum->value.version > 1 && (own->version == 1 || sum->value.epoch > own->epoch) &&
           sum->diff_check >= diffs;
}

struct peer *peer_choose(struct peer *list, int which, unsigned diffs)
{
    struct peer *chosen = NULL;
    int64_t epoch = 0;
    int64_t max_epoch = 0;
    for (struct peer *peer = list; peer != NULL; peer = peer->next) {
        const struct peer_checksum *sum = &peer->checksums[which];
        if (peer->removed || sum->value.version <= 1 || sum->value.epoch <= epoch)
            continue;
        max_epoch = sum->value.epoch;
        if (sum->diff_check >= diffs) {
            epoch = sum->value.epoch;
            chosen = peer;
        }
    }
    return max_epoch > epoch ? NULL : chosen;
}

#include "tests/fakes/proxysql/cluster.h"

#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "tests/fakes/proxysql/cluster_check.h"

enum { version_wait_default_ms = 30 * 1000 }; /* hard-coded in ProxySQL */

static void make_uuid(char ret_uuid[static 37])
{
    unsigned char b[16];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        abort();
    (void)snprintf(ret_uuid, 37, "%02x%02x%02x%02x-%02x%02x-4%01x%02x-a%01x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
                   b[2], b[3], b[4], b[5], b[6] & 0xf, b[7], b[8] & 0xf, b[9], b[10], b[11], b[12], b[13], b[14],
                   b[15]);
}

struct cluster *cluster_new(struct node *node)
{
    if (mysql_library_init(0, NULL, NULL) != 0)
        abort();
    struct cluster *c = xcalloc(1, sizeof *c);
    c->node = node;
    make_uuid(c->uuid);
    mutex_init(&c->pull_lock);
    mutex_init(&c->lock);
    cond_init(&c->changed);
    mutex_lock(&c->lock);
    c->version_wait_ms = version_wait_default_ms;
    mutex_unlock(&c->lock);
    return c;
}

void cluster_stop(struct cluster *c)
{
    if (c == NULL)
        return;
    mutex_lock(&c->lock);
    c->stopping = true;
    cond_broadcast(&c->changed);
    struct peer *peers = c->peers;
    c->peers = NULL;
    for (const struct peer *peer = peers; peer != NULL; peer = peer->next)
        for (int i = 0; i < PEER_USES; i++)
            if (peer->fds[i] >= 0)
                (void)shutdown(peer->fds[i], SHUT_RDWR);
    mutex_unlock(&c->lock);
    while (peers != NULL) {
        struct peer *next = peers->next;
        thread_join(peers->thread);
        peer_free(peers);
        peers = next;
    }
}

void cluster_free(struct cluster *c)
{
    if (c == NULL)
        return;
    mutex_fini(&c->pull_lock);
    mutex_fini(&c->lock);
    cond_fini(&c->changed);
    free(c);
    mysql_library_end();
}

void cluster_configure(struct cluster *c, const struct cluster_settings *settings)
{
    mutex_lock(&c->lock);
    c->settings = *settings;
    cond_broadcast(&c->changed);
    mutex_unlock(&c->lock);
}

void cluster_get_settings(struct cluster *c, struct cluster_settings *ret_settings)
{
    mutex_lock(&c->lock);
    *ret_settings = c->settings;
    mutex_unlock(&c->lock);
}

static bool all_tried(struct cluster *c) REQUIRES(c->lock)
{
    for (const struct peer *peer = c->peers; peer != NULL; peer = peer->next)
        if (!peer->tried)
            return false;
    return true;
}

void cluster_wait_tried(struct cluster *c, int64_t deadline_ms)
{
    mutex_lock(&c->lock);
    while (!all_tried(c) && c->settings.username[0] != '\0' && clock_mono_ms() < deadline_ms)
        (void)cond_wait_until(&c->changed, &c->lock, deadline_ms);
    mutex_unlock(&c->lock);
}

void cluster_peers_begin(struct cluster *c)
{
    mutex_lock(&c->lock);
    for (struct peer *peer = c->peers; peer != NULL; peer = peer->next)
        peer->removed = true;
    mutex_unlock(&c->lock);
}

static struct peer *find_peer(struct cluster *c, const char *hostname, uint16_t port) REQUIRES(c->lock)
{
    for (struct peer *peer = c->peers; peer != NULL; peer = peer->next)
        if (!peer->finished && peer->port == port && strcmp(peer->hostname, hostname) == 0)
            return peer;
    return NULL;
}

void cluster_peers_add(struct cluster *c, const char *hostname, uint16_t port, int64_t weight, const char *comment)
{
    mutex_lock(&c->lock);
    struct peer *peer = find_peer(c, hostname, port);
    if (peer == NULL && !c->stopping) {
        struct error err = ERROR_INIT;
        peer = peer_new(hostname, port);
        peer->cluster = c;
        if (thread_start(&peer->thread, "cluster", cluster_check_run, peer, &err) < 0)
            abort();
        peer->next = c->peers;
        c->peers = peer;
    }
    if (peer != NULL) {
        peer->removed = false;
        peer->weight = weight;
        free(peer->comment);
        peer->comment = xstrdup(comment);
    }
    mutex_unlock(&c->lock);
}

void cluster_peers_end(struct cluster *c)
{
    mutex_lock(&c->lock);
    struct peer **at = &c->peers;
    while (*at != NULL) {
        struct peer *peer = *at;
        if (!peer->finished) {
            at = &peer->next;
            continue;
        }
        *at = peer->next;
        thread_join(peer->thread);
        peer_free(peer);
    }
    cond_broadcast(&c->changed);
    mutex_unlock(&c->lock);
}

void cluster_visit(struct cluster *c, void (*visit)(void *context, const struct peer *peer), void *context)
{
    mutex_lock(&c->lock);
    for (const struct peer *peer = c->peers; peer != NULL; peer = peer->next)
        if (!peer->removed)
            visit(context, peer);
    mutex_unlock(&c->lock);
}

void cluster_pause(struct cluster *c, bool paused)
{
    mutex_lock(&c->lock);
    c->paused = paused;
    cond_broadcast(&c->changed);
    mutex_unlock(&c->lock);
}

void cluster_set_version_wait(struct cluster *c, int64_t wait_ms)
{
    mutex_lock(&c->lock);
    c->version_wait_ms = wait_ms;
    cond_broadcast(&c->changed);
    mutex_unlock(&c->lock);
}

static bool is_wanted(const struct cluster *c, const struct peer *peer) REQUIRES(c->lock)
{
    return !c->stopping && !peer->removed;
}

bool cluster_wait(struct peer *peer, int64_t wait_ms)
{
    struct cluster *c = peer->cluster;
    int64_t until_ms = clock_mono_ms() + wait_ms;
    mutex_lock(&c->lock);
    while (is_wanted(c, peer) && (c->paused || clock_mono_ms() < until_ms)) {
        if (c->paused)
            (void)cond_wait_until(&c->changed, &c->lock, INT64_MAX);
        else
            (void)cond_wait_until(&c->changed, &c->lock, until_ms);
    }
    bool go_on = is_wanted(c, peer);
    mutex_unlock(&c->lock);
    return go_on;
}

void cluster_wait_version(struct peer *peer)
{
    struct cluster *c = peer->cluster;
    int64_t begin_ms = clock_mono_ms();
    mutex_lock(&c->lock);
    while (is_wanted(c, peer) && clock_mono_ms() < begin_ms + c->version_wait_ms)
        (void)cond_wait_until(&c->changed, &c->lock, begin_ms + c->version_wait_ms);
    mutex_unlock(&c->lock);
}

void cluster_tried(struct peer *peer)
{
    mutex_lock(&peer->cluster->lock);
    peer->tried = true;
    cond_broadcast(&peer->cluster->changed);
    mutex_unlock(&peer->cluster->lock);
}

bool cluster_finish(struct peer *peer)
{
    struct cluster *c = peer->cluster;
    mutex_lock(&c->lock);
    peer->finished = !is_wanted(c, peer);
    bool finished = peer->finished;
    mutex_unlock(&c->lock);
    return finished;
}

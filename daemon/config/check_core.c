#include "daemon/config/check_core.h"

#include <errno.h>
#include <string.h>

#include "daemon/config/option_value.h"
#include "daemon/discovery/kube_name.h"
#include "shared/net.h"

struct peer {
    char ip[INET6_ADDRSTRLEN];
    uint16_t port;
};

static int check_peer(const struct string_list *peers, size_t at, struct peer *known, struct error *err)
{
    char shown[OPTION_SHOWN_MAX];
    option_quote(peers->items[at], shown);
    struct peer *peer = &known[at];
    if (net_parse_address(peers->items[at], peer->ip, &peer->port) < 0)
        return error_set(err, -EINVAL,
                         "core.peers: %s is no host's address (allowed: address, address:port, [IPv6]:port; no names, "
                         "a row with a name of several addresses is undefined in ProxySQL)",
                         shown);
    for (size_t i = 0; i < at; i++) {
        if (known[i].port == peer->port && strcmp(known[i].ip, peer->ip) == 0)
            return error_set(err, -EINVAL, "core.peers: %s is there twice", shown);
    }
    return 0;
}

static int check_peers(const struct string_list *peers, struct error *err)
{
    struct peer known[OPTION_ITEMS_MAX];
    int rc = 0;
    for (size_t i = 0; i < peers->count && rc == 0; i++)
        rc = check_peer(peers, i, known, err);
    return rc;
}

static int check_discovery(struct loaded_config *loaded, struct error *err)
{
    const struct config *c = &loaded->config;
    if (c->core.discovery == DISCOVERY_STATIC && c->core.peers.count == 0)
        return error_set(err, -EINVAL, "core.peers: core.discovery static needs the cores' addresses here");
    if (c->core.discovery == DISCOVERY_DNS && c->core.bootstrap_hostname[0] == '\0')
        return error_set(err, -EINVAL, "core.bootstrap_hostname: core.discovery dns needs the name of the cores");
    if (c->core.discovery != DISCOVERY_STATIC && c->core.peers.count > 0)
        config_warnings_add(&loaded->warnings, "core.peers: is not used, core.discovery is not static");
    return 0;
}

static int check_election(struct loaded_config *loaded, struct error *err)
{
    const struct config *c = &loaded->config;
    char shown[OPTION_SHOWN_MAX];
    if (!c->core.leader_election.enabled)
        return 0;
    if (c->core.discovery != DISCOVERY_KUBERNETES)
        return error_set(err, -EINVAL,
                         "core.leader_election.enabled: a Lease is an object of the Kubernetes API, so it "
                         "needs core.discovery kubernetes");
    option_quote(c->core.leader_election.lease_name, shown);
    if (!kube_is_dns_subdomain(c->core.leader_election.lease_name))
        return error_set(err, -EINVAL,
                         "core.leader_election.lease_name: %s is no name of an object (allowed: a-z 0-9 "
                         "- .)",
                         shown);
    if (c->core.leader_election.lease_duration <= c->core.leader_election.renew_deadline)
        return error_set(err, -EINVAL,
                         "core.leader_election.lease_duration: must be longer than renew_deadline, else "
                         "two cores may lead");
    if (c->core.leader_election.renew_deadline <= c->core.leader_election.retry_period)
        return error_set(err, -EINVAL, "core.leader_election.renew_deadline: must be longer than retry_period");
    return 0;
}

int config_check_core(struct loaded_config *loaded, struct error *err)
{
    int rc = check_peers(&loaded->config.core.peers, err);
    if (rc == 0)
        rc = check_discovery(loaded, err);
    return rc == 0 ? check_election(loaded, err) : rc;
}

#include "daemon/discovery/own_pod.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/mem.h"

static char *from_environment(const char *variable)
{
    const char *value = getenv(variable);
    return xstrdup(value != NULL ? value : "");
}

/* An address in inet_ntop()'s spelling, so that texts can be compared; what is none stays as it is. */
static char *normalized(const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];
    char spelled[INET6_ADDRSTRLEN];
    int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    bool valid = inet_pton(family, text, address) == 1;
    return xstrdup(valid && inet_ntop(family, address, spelled, sizeof(spelled)) != NULL ? spelled : text);
}

static void add_address(struct own_pod *own, const struct ifaddrs *interface)
{
    if (interface->ifa_addr == NULL || (interface->ifa_flags & IFF_LOOPBACK) != 0)
        return;
    const void *address;
    int family = interface->ifa_addr->sa_family;
    if (family == AF_INET)
        address = &((const struct sockaddr_in *)(const void *)interface->ifa_addr)->sin_addr;
    else if (family == AF_INET6)
        address = &((const struct sockaddr_in6 *)(const void *)interface->ifa_addr)->sin6_addr;
    else
        return;
    char text[INET6_ADDRSTRLEN];
    if (own->address_count < OWN_POD_ADDRESSES_MAX && inet_ntop(family, address, text, sizeof(text)) != NULL)
        own->addresses[own->address_count++] = xstrdup(text);
}

void own_pod_detect(struct own_pod *own)
{
    *own = (struct own_pod){.pod_name = from_environment("POD_NAME")};
    cleanup_free char *ip = from_environment("POD_IP");
    own->pod_ip = normalized(ip);
    char hostname[HOST_NAME_MAX + 1] = "";
    if (gethostname(hostname, sizeof(hostname) - 1) < 0)
        hostname[0] = '\0';
    own->hostname = xstrdup(hostname);
    struct ifaddrs *interfaces;
    if (getifaddrs(&interfaces) < 0)
        return;
    for (const struct ifaddrs *i = interfaces; i != NULL; i = i->ifa_next)
        add_address(own, i);
    freeifaddrs(interfaces);
}

void own_pod_copy(struct own_pod *ret_copy, const struct own_pod *own)
{
    *ret_copy = (struct own_pod){.pod_name = xstrdup(own->pod_name != NULL ? own->pod_name : ""),
                                 .pod_ip = normalized(own->pod_ip != NULL ? own->pod_ip : ""),
                                 .hostname = xstrdup(own->hostname != NULL ? own->hostname : ""),
                                 .address_count = own->address_count};
    for (size_t i = 0; i < own->address_count; i++)
        ret_copy->addresses[i] = normalized(own->addresses[i]);
}

void own_pod_fini(struct own_pod *own)
{
    free(own->pod_name);
    free(own->pod_ip);
    free(own->hostname);
    for (size_t i = 0; i < own->address_count; i++)
        free(own->addresses[i]);
    *own = (struct own_pod){.address_count = 0};
}

bool own_pod_has_address(const struct own_pod *own, const char *ip)
{
    if (own->pod_ip[0] != '\0')
        return strcmp(own->pod_ip, ip) == 0;
    for (size_t i = 0; i < own->address_count; i++) {
        if (strcmp(own->addresses[i], ip) == 0)
            return true;
    }
    return false;
}

static bool is_name(const struct own_pod *own, const struct pod *pod)
{
    return strcmp(pod->name, own->pod_name) == 0;
}

static bool is_address(const struct own_pod *own, const struct pod *pod)
{
    return own_pod_has_address(own, pod->ip);
}

static bool is_hostname(const struct own_pod *own, const struct pod *pod)
{
    return strcmp(pod->name, own->hostname) == 0;
}

typedef bool own_rule(const struct own_pod *own, const struct pod *pod);

static bool mark_first(const struct own_pod *own, struct pod *pods, size_t count, own_rule *rule)
{
    for (size_t i = 0; i < count; i++) {
        bool ended = pods[i].phase == POD_SUCCEEDED || pods[i].phase == POD_FAILED;
        if (!ended && rule(own, &pods[i])) {
            pods[i].own = true;
            return true;
        }
    }
    return false;
}

void own_pod_mark(const struct own_pod *own, struct pod *pods, size_t count)
{
    if (own->pod_name[0] != '\0') {
        (void)mark_first(own, pods, count, is_name); /* hostNetwork: several pods may have one address */
        return;
    }
    if (!mark_first(own, pods, count, is_address) && own->pod_ip[0] == '\0')
        (void)mark_first(own, pods, count, is_hostname);
}

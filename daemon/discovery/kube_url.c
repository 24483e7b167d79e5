#include "daemon/discovery/kube_url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "shared/str.h"

enum { host_size = 256 };

static int from_cluster(char **ret_url, struct error *err)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");
    if (host == NULL || host[0] == '\0' || port == NULL || port[0] == '\0')
        return error_set(err, -EINVAL,
                         "not in a Kubernetes pod (no KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT): set "
                         "kubernetes.api_server");
    bool v6 = strchr(host, ':') != NULL;
    *ret_url = v6 ? xasprintf("https://[%s]:%s", host, port) : xasprintf("https://%s:%s", host, port);
    return 0;
}

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcmp(host, "localhost") == 0; /* libcurl resolves it to loopback itself */
}

static bool is_host(const char *host)
{
    struct in6_addr v6;
    if (strchr(host, ':') != NULL)
        return inet_pton(AF_INET6, host, &v6) == 1;
    return host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")] == '\0';
}

/* "host", "host:port", "[v6]" or "[v6]:port". */
static int split_authority(const char *text, char ret_host[host_size])
{
    uint16_t port;
    if (str_split_host_port(text, ret_host, host_size, &port) == 0)
        return is_host(ret_host) ? 0 : -EINVAL;
    cleanup_free char *with_port = xasprintf("%s:443", text);
    if (str_split_host_port(with_port, ret_host, host_size, &port) < 0)
        return -EINVAL;
    return is_host(ret_host) ? 0 : -EINVAL;
}

int kube_url(const char *text, char **ret_url, struct error *err)
{
    cleanup_free char *url = NULL;
    if (text[0] == '\0' && from_cluster(&url, err) < 0)
        return -EINVAL;
    if (url == NULL)
        url = xstrdup(text);
    size_t len = strlen(url);
    if (len > 0 && url[len - 1] == '/')
        url[len - 1] = '\0';
    bool https = strncmp(url, "https://", 8) == 0;
    char host[host_size];
    if ((!https && strncmp(url, "http://", 7) != 0) || split_authority(url + (https ? 8 : 7), host) < 0)
        return error_set(err, -EINVAL, "the API server's URL is not https://host:port");
    if (!https && !is_loopback(host))
        return error_set(err, -EINVAL,
                         "the API server's URL is http and its host \"%s\" is not loopback: the token "
                         "would travel readable",
                         host);
    *ret_url = take_ptr(url);
    return 0;
}

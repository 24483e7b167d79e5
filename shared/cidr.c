#include "shared/cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "shared/str.h"

enum { mapped_bits = 96 }; /* of ::ffff:0:0/96 (RFC 4291, 2.5.5.2) */

static unsigned family_bits(int family)
{
    return family == AF_INET ? 32 : 128;
}

static bool is_mapped(const unsigned char address[16])
{
    static const unsigned char mapped[mapped_bits / 8] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address, mapped, sizeof(mapped)) == 0;
}

static bool same_prefix(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned bytes = bits / 8;
    unsigned rest = bits % 8;
    if (memcmp(a, b, bytes) != 0)
        return false;
    return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

static bool has_host_bits(const struct cidr *cidr)
{
    unsigned char masked[16] = {0};
    unsigned bytes = cidr->prefix / 8;
    memcpy(masked, cidr->address, bytes);
    if (cidr->prefix % 8 != 0)
        masked[bytes] = (unsigned char)(cidr->address[bytes] & (0xff00U >> cidr->prefix % 8));
    return memcmp(masked, cidr->address, family_bits(cidr->family) / 8) != 0;
}

static void unmap(struct cidr *cidr)
{
    if (cidr->family != AF_INET6 || cidr->prefix < mapped_bits || !is_mapped(cidr->address))
        return;
    memmove(cidr->address, cidr->address + mapped_bits / 8, 4);
    memset(cidr->address + 4, 0, sizeof(cidr->address) - 4);
    cidr->family = AF_INET;
    cidr->prefix -= mapped_bits;
}

int cidr_parse(const char *text, struct cidr *ret_cidr, struct error *err)
{
    struct cidr cidr = {.family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET};
    char address[INET6_ADDRSTRLEN];
    size_t len = strcspn(text, "/");
    if (len >= sizeof(address))
        return error_set(err, -EINVAL, "is no IP address");
    memcpy(address, text, len);
    address[len] = '\0';
    if (inet_pton(cidr.family, address, cidr.address) != 1)
        return error_set(err, -EINVAL, "is no IP address");
    int64_t prefix = family_bits(cidr.family);
    if (text[len] == '/' && str_to_int(text + len + 1, 0, prefix, &prefix) < 0)
        return error_set(err, -EINVAL, "has no prefix of 0 to %u behind the slash", family_bits(cidr.family));
    cidr.prefix = (unsigned)prefix;
    if (has_host_bits(&cidr))
        return error_set(err, -EINVAL, "has bits behind its prefix");
    unmap(&cidr);
    *ret_cidr = cidr;
    return 0;
}

/* The bytes of the address and its family, mapped IPv4 as IPv4; AF_UNSPEC for other families. */
static int address_of(const struct sockaddr *address, unsigned char ret_bytes[16])
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        memcpy(ret_bytes, &in.sin_addr, sizeof(in.sin_addr));
        return AF_INET;
    }
    if (address->sa_family != AF_INET6)
        return AF_UNSPEC;
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof(in6));
    memcpy(ret_bytes, &in6.sin6_addr, sizeof(in6.sin6_addr));
    if (!is_mapped(ret_bytes))
        return AF_INET6;
    memmove(ret_bytes, ret_bytes + mapped_bits / 8, 4);
    return AF_INET;
}

bool cidr_contains(const struct cidr *cidr, const struct sockaddr *address)
{
    unsigned char bytes[16];
    return address_of(address, bytes) == cidr->family && same_prefix(cidr->address, bytes, cidr->prefix);
}

void cidr_format_address(const struct sockaddr *address, char ret_text[CIDR_TEXT_SIZE])
{
    unsigned char bytes[16];
    int family = address_of(address, bytes);
    if (family == AF_UNSPEC || inet_ntop(family, bytes, ret_text, CIDR_TEXT_SIZE) == NULL)
        (void)snprintf(ret_text, CIDR_TEXT_SIZE, "unknown");
}

/*
 * What strangers say about themselves. The input up to the first NUL is an Authorization header, what follows it up to
 * the next one a network of api.shutdown_allow.
 *
 * Beyond not crashing: a token that is taken is inside the header and has only the characters of one, and the right
 * token is the only one that is granted; a network that is taken holds its own first address, and no address of the
 * other family.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/access.h"
#include "shared/cidr.h"
#include "tests/fuzz/fuzz.h"

static void check_token(const char *header, size_t len)
{
    static const struct sockaddr_in peer = {.sin_family = AF_INET};
    static const struct string_list nobody = {.count = 0};
    const struct access_question question = {.rule = HTTP_ACCESS_CHANGE,
                                             .peer = (const struct sockaddr *)&peer,
                                             .allow = &nobody,
                                             .token_configured = true,
                                             .token = "s3cret",
                                             .has_authorization = true,
                                             .authorization = header,
                                             .authorization_len = len};
    struct access_answer answer;
    const char *token = NULL;
    size_t token_len = 0;
    bool taken = access_parse_bearer(header, len, &token, &token_len) == 0;
    if (taken && (token < header || token_len == 0 || token_len > ACCESS_TOKEN_MAX || token + token_len > header + len))
        abort();
    for (size_t i = 0; taken && i < token_len; i++)
        if (token[i] <= ' ' || (unsigned char)token[i] > '~')
            abort();
    access_judge(&question, &answer);
    bool right = taken && token_len == 6 && memcmp(token, "s3cret", 6) == 0;
    if ((answer.http_status == 200) != right || (answer.http_status != 200) != (answer.reason[0] != '\0'))
        abort();
}

static void check_network(const char *text)
{
    struct cidr cidr;
    struct error err = ERROR_INIT;
    if (cidr_parse(text, &cidr, &err) < 0) {
        if (err.text[0] == '\0')
            abort();
        return;
    }
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    memcpy(&in.sin_addr, cidr.address, sizeof(in.sin_addr));
    memcpy(&in6.sin6_addr, cidr.address, sizeof(in6.sin6_addr));
    bool is_v4 = cidr.family == AF_INET;
    if (cidr_contains(&cidr, (const struct sockaddr *)&in) != is_v4)
        abort();
    if (!is_v4 && IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) == 0 && !cidr_contains(&cidr, (const struct sockaddr *)&in6))
        abort();
    if (cidr.prefix > (is_v4 ? 32U : 128U))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    size_t header_len = strlen(text);
    check_token(text, header_len);
    if (header_len < size)
        check_network(text + header_len + 1);
    free(text);
    return 0;
}

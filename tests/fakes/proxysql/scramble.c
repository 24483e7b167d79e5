#include "tests/fakes/proxysql/scramble.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { sha1_bytes = 20, sha256_bytes = 32 };

void scramble_random(unsigned char *ret_bytes, size_t len)
{
    if (RAND_bytes(ret_bytes, (int)len) != 1)
        abort();
    for (size_t i = 0; i < len; i++)
        ret_bytes[i] = (unsigned char)('!' + ret_bytes[i] % 90);
}

static void digest(const EVP_MD *kind, const void *data, size_t len, unsigned char *ret_hash)
{
    if (EVP_Digest(data, len, ret_hash, NULL, kind, NULL) != 1)
        abort();
}

/* hash(first, second) of two short inputs. */
static void digest_pair(const EVP_MD *kind, const unsigned char *first, size_t first_len, const unsigned char *second,
                        size_t second_len, unsigned char *ret_hash)
{
    unsigned char both[sha256_bytes * 2];
    memcpy(both, first, first_len);
    memcpy(both + first_len, second, second_len);
    digest(kind, both, first_len + second_len, ret_hash);
}

/* SHA1(SHA1(clear)). */
static void double_sha1(const char *clear, unsigned char ret_hash[static sha1_bytes])
{
    unsigned char once[sha1_bytes];
    digest(EVP_sha1(), clear, strlen(clear), once);
    digest(EVP_sha1(), once, sizeof once, ret_hash);
}

static bool parse_hash(const char *stored, unsigned char ret_hash[static sha1_bytes])
{
    if (strlen(stored) != 1 + 2 * sha1_bytes)
        return false;
    for (size_t i = 0; i < sha1_bytes; i++) {
        char pair[3] = {stored[1 + 2 * i], stored[2 + 2 * i], '\0'};
        char *end = NULL;
        ret_hash[i] = (unsigned char)strtoul(pair, &end, 16);
        if (*end != '\0')
            return false;
    }
    return true;
}

bool scramble_check_native(const unsigned char *answer, size_t len, const unsigned char scramble[static SCRAMBLE_BYTES],
                           const char *stored)
{
    unsigned char twice[sha1_bytes];
    if (len != sha1_bytes)
        return false;
    if (stored[0] != '*')
        double_sha1(stored, twice);
    else if (!parse_hash(stored, twice))
        return false;

    /* answer = SHA1(password) XOR SHA1(scramble, SHA1(SHA1(password))) */
    unsigned char mask[sha1_bytes];
    unsigned char once[sha1_bytes];
    unsigned char check[sha1_bytes];
    digest_pair(EVP_sha1(), scramble, SCRAMBLE_BYTES, twice, sizeof twice, mask);
    for (size_t i = 0; i < sizeof once; i++)
        once[i] = answer[i] ^ mask[i];
    digest(EVP_sha1(), once, sizeof once, check);
    return memcmp(check, twice, sizeof check) == 0;
}

bool scramble_check_sha2(const unsigned char *answer, size_t len, const unsigned char scramble[static SCRAMBLE_BYTES],
                         const char *stored)
{
    if (len != sha256_bytes)
        return false;
    /* answer = SHA256(password) XOR SHA256(SHA256(SHA256(password)), scramble) */
    unsigned char once[sha256_bytes];
    unsigned char twice[sha256_bytes];
    unsigned char mask[sha256_bytes];
    digest(EVP_sha256(), stored, strlen(stored), once);
    digest(EVP_sha256(), once, sizeof once, twice);
    digest_pair(EVP_sha256(), twice, sizeof twice, scramble, SCRAMBLE_BYTES, mask);
    for (size_t i = 0; i < sizeof once; i++)
        if (answer[i] != (once[i] ^ mask[i]))
            return false;
    return true;
}

bool scramble_matches_hash(const char *clear, const char *stored)
{
    unsigned char twice[sha1_bytes];
    unsigned char wanted[sha1_bytes];
    double_sha1(clear, twice);
    return parse_hash(stored, wanted) && memcmp(twice, wanted, sizeof twice) == 0;
}

/*
 * What an API server answers about a permission. Beyond not crashing: a refusal has a text, and yes is only said by an
 * answer that says so.
 */
#include <assert.h>
#include <string.h>

#include "daemon/discovery/access_review.h"
#include "tests/fuzz/fuzz.h"

static bool has(const uint8_t *data, size_t size, const char *word)
{
    return memmem(data, size, word, strlen(word)) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    bool allowed;
    int rc = access_review_parse((const char *)data, size, &allowed, &err);
    assert(rc == 0 || (rc < 0 && err.code == rc && err.text[0] != '\0'));
    assert(rc < 0 || has(data, size, allowed ? "true" : "false"));
    return 0;
}

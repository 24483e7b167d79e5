#include "daemon/discovery/json_whole.h"

#include <errno.h>

#include "daemon/discovery/json_split.h"
#include "shared/mem.h"

static int on_object(void *arg, const char *text, size_t len, struct error *err)
{
    json_t **root = arg;
    json_error_t why;
    if (*root != NULL)
        return error_set(err, -EBADMSG, "more than one object");
    *root = json_loadb(text, len, 0, &why);
    return *root != NULL ? 0 : error_set(err, -EBADMSG, "JSON: %s, at byte %d", why.text, why.position);
}

/* Through the splitter, for its limit of depth. */
static int load(const char *text, size_t len, json_t **root, struct error *err)
{
    struct json_split split;
    json_split_init(&split, on_object, root);
    json_split_reset(&split, JSON_SPLIT_STREAM);
    int rc = json_split_feed(&split, text, len, err);
    if (rc == 0 && (*root == NULL || !json_split_at_end(&split)))
        rc = error_set(err, -EBADMSG, "no whole JSON object");
    json_split_fini(&split);
    return rc;
}

int json_whole_load(const char *what, const char *text, size_t len, size_t bytes_max, json_t **ret_root,
                    struct error *err)
{
    cleanup_json json_t *root = NULL;
    if (len > bytes_max)
        return error_set(err, -EMSGSIZE, "%s: more than %zu bytes", what, bytes_max);
    if (load(text, len, &root, err) < 0)
        return error_wrap(err, "%s", what);
    *ret_root = take_ptr(root);
    return 0;
}

#include "daemon/discovery/lease.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/discovery/json_whole.h"

static const char api_version[] = "coordination.k8s.io/v1";

/* --- reading */

/* A text member, "" when it is absent or null. */
static int read_text(const json_t *object, const char *key, size_t max, char *ret_text, struct error *err)
{
    const json_t *value = json_object_get(object, key);
    ret_text[0] = '\0';
    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_string(value))
        return error_set(err, -EBADMSG, "lease: %s is no text", key);
    if (json_string_length(value) > max)
        return error_set(err, -EBADMSG, "lease: %s has more than %zu bytes", key, max);
    memcpy(ret_text, json_string_value(value), json_string_length(value) + 1);
    return 0;
}

/* A holder or a version becomes part of logs and requests. */
static int read_printable(const json_t *object, const char *key, size_t max, char *ret_text, struct error *err)
{
    int rc = read_text(object, key, max, ret_text, err);
    for (const char *c = ret_text; rc == 0 && *c != '\0'; c++) {
        if (iscntrl((unsigned char)*c))
            rc = error_set(err, -EBADMSG, "lease: %s holds a control character", key);
    }
    return rc;
}

static int read_number(const json_t *object, const char *key, int32_t *ret_number, struct error *err)
{
    const json_t *value = json_object_get(object, key);
    *ret_number = 0;
    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > INT32_MAX)
        return error_set(err, -EBADMSG, "lease: %s is not 0 to %d", key, INT32_MAX);
    *ret_number = (int32_t)json_integer_value(value);
    return 0;
}

static bool is_time(const char *text)
{
    static const char form[] = "0000-00-00T00:00:00.000000Z";
    for (size_t i = 0; i < sizeof(form); i++) {
        if (form[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
            return false;
    }
    return true;
}

static int read_time(const json_t *object, const char *key, char *ret_text, struct error *err)
{
    int rc = read_text(object, key, LEASE_TIME_SIZE - 1, ret_text, err);
    if (rc == 0 && ret_text[0] != '\0' && !is_time(ret_text))
        rc = error_set(err, -EBADMSG, "lease: %s is no UTC time with six decimals", key);
    return rc;
}

static int read_spec(const json_t *spec, struct lease *lease, struct error *err)
{
    int rc = read_printable(spec, "holderIdentity", LEASE_HOLDER_MAX, lease->holder, err);
    if (rc == 0)
        rc = read_number(spec, "leaseDurationSeconds", &lease->duration_s, err);
    if (rc == 0)
        rc = read_number(spec, "leaseTransitions", &lease->transitions, err);
    if (rc == 0)
        rc = read_time(spec, "acquireTime", lease->acquire_time, err);
    if (rc == 0)
        rc = read_time(spec, "renewTime", lease->renew_time, err);
    return rc;
}

static bool is_text(const json_t *object, const char *key, const char *text)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static int read_lease(const json_t *root, struct lease *lease, struct error *err)
{
    const json_t *spec = json_object_get(root, "spec");
    if (!is_text(root, "kind", "Lease") || !is_text(root, "apiVersion", api_version))
        return error_set(err, -EBADMSG, "lease: not a Lease of %s", api_version);
    if (spec != NULL && !json_is_null(spec) && !json_is_object(spec))
        return error_set(err, -EBADMSG, "lease: its spec is no object");
    int rc = read_printable(json_object_get(root, "metadata"), "resourceVersion", LEASE_VERSION_MAX,
                            lease->resource_version, err);
    if (rc == 0 && lease->resource_version[0] == '\0')
        rc = error_set(err, -EBADMSG, "lease: no resourceVersion");
    return rc == 0 ? read_spec(spec, lease, err) : rc;
}

int lease_parse(const char *text, size_t len, struct lease *ret_lease, struct error *err)
{
    cleanup_json json_t *root = NULL;
    struct lease lease;
    int rc = json_whole_load("lease", text, len, LEASE_BYTES_MAX, &root, err);
    if (rc == 0)
        rc = read_lease(root, &lease, err);
    if (rc == 0)
        *ret_lease = lease;
    return rc;
}

/* --- writing */

static json_t *time_or_null(const char *text)
{
    return text[0] != '\0' ? json_string(text) : json_null();
}

/* Sets what a lease says in spec; what else is there stays. json_object_set_new() takes NULL as its own failure. */
static int write_spec(json_t *spec, const struct lease *lease)
{
    int rc = json_object_set_new(spec, "holderIdentity", json_string(lease->holder));
    rc |= json_object_set_new(spec, "leaseDurationSeconds", json_integer(lease->duration_s));
    rc |= json_object_set_new(spec, "leaseTransitions", json_integer(lease->transitions));
    rc |= json_object_set_new(spec, "acquireTime", time_or_null(lease->acquire_time));
    rc |= json_object_set_new(spec, "renewTime", time_or_null(lease->renew_time));
    return rc;
}

static int make_root(const char *name, const char *read_text, size_t read_len, json_t **ret_root, struct error *err)
{
    if (read_text != NULL)
        return json_whole_load("lease", read_text, read_len, LEASE_BYTES_MAX, ret_root, err);
    *ret_root = json_pack("{s:s, s:s, s:{s:s}, s:{}}", "apiVersion", api_version, "kind", "Lease", "metadata", "name",
                          name, "spec");
    return *ret_root != NULL ? 0 : error_set(err, -ENOMEM, "out of memory");
}

static int append(const char *data, size_t len, void *out)
{
    return buf_append(out, data, len) < 0 ? -1 : 0;
}

int lease_write(const char *name, const char *read_text, size_t read_len, const struct lease *lease, struct buf *out,
                struct error *err)
{
    cleanup_json json_t *root = NULL;
    int rc = make_root(name, read_text, read_len, &root, err);
    if (rc < 0)
        return rc;
    json_t *spec = json_object_get(root, "spec");
    if (!json_is_object(spec)) {
        spec = json_object();
        if (json_object_set_new(root, "spec", spec) < 0)
            return error_set(err, -ENOMEM, "out of memory");
    }
    if (write_spec(spec, lease) != 0 || json_dump_callback(root, append, out, JSON_COMPACT) != 0)
        return error_set(err, -EMSGSIZE, "lease: it has more than %zu bytes, or a name that is not UTF-8", out->max);
    return 0;
}

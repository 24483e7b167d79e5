#include "daemon/discovery/pod_json.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/discovery/json_split.h"
#include "daemon/discovery/json_whole.h"
#include "daemon/discovery/kube_name.h"

static const char *const phase_names[] = {
    [POD_PENDING] = "Pending", [POD_RUNNING] = "Running", [POD_SUCCEEDED] = "Succeeded",
    [POD_FAILED] = "Failed",   [POD_UNKNOWN] = "Unknown",
};

/* The parser recurses: text has come through json_split, which limits the depth. NULs are let in, so that a label of
 * one pod cannot hide all the others; text() refuses them where they matter. */
static json_t *load(const char *text, size_t len, struct error *err)
{
    json_error_t why;
    json_t *root = json_loadb(text, len, JSON_ALLOW_NUL, &why);
    if (root == NULL)
        (void)error_set(err, -EBADMSG, "JSON: %s, at byte %d", why.text, why.position);
    else if (!json_is_object(root))
        (void)error_set(err, -EBADMSG, "JSON: not an object");
    if (json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

/* A text member; "" when it is absent or no text; NULL when it has a NUL inside or more than max bytes. */
static const char *text_of(const json_t *object, const char *key, size_t max)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        return "";
    size_t len = json_string_length(value);
    const char *text = json_string_value(value);
    return len <= max && strlen(text) == len ? text : NULL;
}

static enum pod_phase phase_of(const char *text)
{
    for (size_t i = 0; text != NULL && i < ARRAY_LEN(phase_names); i++) {
        if (strcmp(text, phase_names[i]) == 0)
            return (enum pod_phase)i;
    }
    return POD_UNKNOWN;
}

static bool is_ready(const json_t *status)
{
    size_t i;
    json_t *condition;
    json_array_foreach(json_object_get(status, "conditions"), i, condition)
    {
        const char *type = text_of(condition, "type", 64);
        const char *value = text_of(condition, "status", 64);
        if (type != NULL && value != NULL && strcmp(type, "Ready") == 0)
            return strcmp(value, "True") == 0;
    }
    return false;
}

/* How long the pod's end may take: as deleted, else as specified. */
static int32_t grace_of(const json_t *metadata, const json_t *spec)
{
    const json_t *grace = json_object_get(metadata, "deletionGracePeriodSeconds");
    if (!json_is_integer(grace))
        grace = json_object_get(spec, "terminationGracePeriodSeconds");
    json_int_t seconds = json_is_integer(grace) ? json_integer_value(grace) : 0;
    if (seconds < 0)
        return 0;
    return seconds > INT32_MAX ? INT32_MAX : (int32_t)seconds;
}

/* "" stays "". False when text is no address. */
static bool spell_ip(const char *text, char ret_ip[INET6_ADDRSTRLEN])
{
    ret_ip[0] = '\0';
    if (text == NULL || text[0] == '\0')
        return text != NULL;
    unsigned char address[sizeof(struct in6_addr)];
    int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    return inet_pton(family, text, address) == 1 && inet_ntop(family, address, ret_ip, INET6_ADDRSTRLEN) != NULL;
}

/* For messages about data that was not acceptable: short, printable. */
static void printable(const char *text, char *ret_text, size_t size)
{
    size_t i = 0;
    for (; text != NULL && text[i] != '\0' && i + 1 < size; i++)
        ret_text[i] = isprint((unsigned char)text[i]) ? text[i] : '?';
    ret_text[i] = '\0';
}

static void skip(struct pod_parsed *parsed, const char *name, const char *field)
{
    char shown[64];
    printable(name, shown, sizeof(shown));
    (void)error_set(&parsed->skipped, -EINVAL, "pod \"%s\" (uid %s): its %s is not acceptable", shown, parsed->uid,
                    field);
}

static void parse_pod(const json_t *object, bool is_core, struct pod_parsed *parsed)
{
    const json_t *metadata = json_object_get(object, "metadata");
    const json_t *status = json_object_get(object, "status");
    const json_t *deleted = json_object_get(metadata, "deletionTimestamp");
    const char *uid = text_of(metadata, "uid", POD_UID_MAX);
    const char *name = text_of(metadata, "name", POD_NAME_MAX);
    char ip[INET6_ADDRSTRLEN];
    *parsed = (struct pod_parsed){.record = NULL};
    if (uid == NULL || !kube_is_uid(uid)) {
        skip(parsed, name, "metadata.uid");
        return;
    }
    memcpy(parsed->uid, uid, strlen(uid) + 1);
    if (name == NULL || !kube_is_dns_subdomain(name)) {
        skip(parsed, name, "metadata.name");
        return;
    }
    if (!spell_ip(text_of(status, "podIP", INET6_ADDRSTRLEN), ip)) {
        skip(parsed, name, "status.podIP");
        return;
    }
    parsed->record = pod_record_new(&(struct pod){.uid = uid,
                                                  .name = name,
                                                  .ip = ip,
                                                  .phase = phase_of(text_of(status, "phase", 64)),
                                                  .terminating = deleted != NULL && !json_is_null(deleted),
                                                  .ready = is_ready(status),
                                                  .is_core = is_core,
                                                  .grace_s = grace_of(metadata, json_object_get(object, "spec"))});
}

int pod_parse_item(const char *text, size_t len, bool is_core, struct pod_parsed *ret_pod, struct error *err)
{
    cleanup_json json_t *root = load(text, len, err);
    if (root == NULL)
        return -EBADMSG;
    parse_pod(root, is_core, ret_pod);
    return 0;
}

static enum pod_event_type event_type(const char *text)
{
    if (strcmp(text, "ADDED") == 0 || strcmp(text, "MODIFIED") == 0)
        return POD_EVENT_PUT;
    if (strcmp(text, "DELETED") == 0)
        return POD_EVENT_DELETED;
    if (strcmp(text, "BOOKMARK") == 0)
        return POD_EVENT_BOOKMARK;
    return strcmp(text, "ERROR") == 0 ? POD_EVENT_ERROR : POD_EVENT_OTHER;
}

static void parse_status(const json_t *status, int *ret_code, char *ret_message, size_t size)
{
    const json_t *code = json_object_get(status, "code");
    json_int_t number = json_is_integer(code) ? json_integer_value(code) : 0;
    *ret_code = number >= 100 && number <= 599 ? (int)number : 0;
    printable(json_string_value(json_object_get(status, "message")), ret_message, size);
}

int pod_parse_event(const char *text, size_t len, bool is_core, struct pod_event *ret_event, struct error *err)
{
    cleanup_json json_t *root = load(text, len, err);
    if (root == NULL)
        return -EBADMSG;
    const char *type = text_of(root, "type", 64);
    const json_t *object = json_object_get(root, "object");
    if (type == NULL || type[0] == '\0' || !json_is_object(object))
        return error_set(err, -EBADMSG, "JSON: not a watch event");
    const char *version = text_of(json_object_get(object, "metadata"), "resourceVersion", KUBE_VERSION_MAX);
    if (version == NULL)
        return error_set(err, -EBADMSG, "a resourceVersion of more than %d bytes", KUBE_VERSION_MAX);
    *ret_event = (struct pod_event){.type = event_type(type)};
    memcpy(ret_event->resource_version, version, strlen(version) + 1);
    if (ret_event->type == POD_EVENT_PUT || ret_event->type == POD_EVENT_DELETED)
        parse_pod(object, is_core, &ret_event->pod);
    if (ret_event->type == POD_EVENT_ERROR)
        parse_status(object, &ret_event->code, ret_event->message, sizeof(ret_event->message));
    return 0;
}

int pod_parse_list_head(const char *text, size_t len, struct pod_list_head *ret_head, struct error *err)
{
    cleanup_json json_t *root = load(text, len, err);
    if (root == NULL)
        return -EBADMSG;
    const char *kind = text_of(root, "kind", 64);
    const json_t *items = json_object_get(root, "items");
    const json_t *metadata = json_object_get(root, "metadata");
    const char *version = text_of(metadata, "resourceVersion", KUBE_VERSION_MAX);
    const char *next = text_of(metadata, "continue", KUBE_CONTINUE_MAX);
    if (kind == NULL || strcmp(kind, "PodList") != 0 || !(json_is_array(items) || json_is_null(items)))
        return error_set(err, -EBADMSG, "JSON: not a list of pods");
    if (version == NULL || version[0] == '\0' || next == NULL)
        return error_set(err, -EBADMSG, "JSON: a list without an acceptable resourceVersion or continue");
    memcpy(ret_head->resource_version, version, strlen(version) + 1);
    memcpy(ret_head->next, next, strlen(next) + 1);
    return 0;
}

struct status_sink {
    char *message;
    size_t size;
};

static int on_status(void *arg, const char *text, size_t len, struct error *err)
{
    const struct status_sink *sink = arg;
    cleanup_json json_t *root = load(text, len, err);
    int code;
    if (root != NULL)
        parse_status(root, &code, sink->message, sink->size);
    return root != NULL ? 0 : -EBADMSG;
}

void kube_status_message(const char *text, size_t len, char *ret_message, size_t size)
{
    struct status_sink sink = {.message = ret_message, .size = size};
    struct json_split split; /* for its limit of depth */
    ret_message[0] = '\0';
    json_split_init(&split, on_status, &sink);
    json_split_reset(&split, JSON_SPLIT_STREAM);
    if (json_split_feed(&split, text, len, NULL) < 0)
        ret_message[0] = '\0';
    json_split_fini(&split);
}

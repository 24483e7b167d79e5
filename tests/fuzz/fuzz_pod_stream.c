/*
 * What an API server sends: the first byte says whether it is a list or a watch, the second in pieces of what size it
 * comes; the rest goes through the splitter and the parsers as in pod_stream.c.
 *
 * Beyond not crashing: the pieces do not matter, a refusal always has a text, and what a pod record holds is what may
 * go into SQL.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cluster/wanted.h"
#include "daemon/discovery/json_split.h"
#include "daemon/discovery/kube_name.h"
#include "daemon/discovery/pod_json.h"
#include "tests/fuzz/fuzz.h"

struct sink {
    bool list;
    uint64_t digest; /* of all objects */
    struct pod_store pods;
};

static void check_pod(const struct pod *pod)
{
    unsigned char address[sizeof(struct in6_addr)];
    assert(kube_is_uid(pod->uid) && kube_is_dns_subdomain(pod->name));
    assert(pod->ip[0] == '\0' || inet_pton(strchr(pod->ip, ':') != NULL ? AF_INET6 : AF_INET, pod->ip, address) == 1);
    assert(pod->grace_s >= 0 && pod->phase <= POD_UNKNOWN);
}

static void take(struct sink *sink, struct pod_parsed *pod)
{
    unsigned changes;
    if (pod->record == NULL) {
        assert(pod->skipped.text[0] != '\0');
        return;
    }
    check_pod(&pod->record->pod);
    assert(strcmp(pod->uid, pod->record->pod.uid) == 0);
    int rc = pod_store_put(&sink->pods, pod->record, 1, &changes, NULL);
    assert(rc == 0);
    (void)rc;
}

static int on_object(void *arg, const char *text, size_t len, struct error *err)
{
    struct sink *sink = arg;
    for (size_t i = 0; i < len; i++)
        sink->digest = (sink->digest ^ (unsigned char)text[i]) * 1099511628211U;
    struct pod_parsed pod;
    struct pod_event event;
    int rc;
    if (sink->list) {
        rc = pod_parse_item(text, len, true, &pod, err);
        if (rc == 0)
            take(sink, &pod);
        return rc;
    }
    rc = pod_parse_event(text, len, true, &event, err);
    if (rc == 0 && event.type == POD_EVENT_PUT)
        take(sink, &event.pod);
    else if (rc == 0 && event.type == POD_EVENT_DELETED) {
        (void)pod_store_remove(&sink->pods, event.pod.uid);
        free(event.pod.record);
    }
    return rc;
}

/* Whatever was told, what would be written is one row for each address, with the name of a pod. */
static void check_wanted(const struct pod_store *store)
{
    static const struct member_list nothing;
    struct member_list members = {0};
    struct error err = ERROR_INIT;
    struct pod *pods = calloc(store->count + 1, sizeof(*pods));
    assert(pods != NULL);
    for (size_t i = 0; i < store->count; i++)
        pods[i] = store->items[i]->pod;
    const struct wanted_question q = {.pods = pods, .pod_count = store->count, .port = 6032, .runtime = &nothing};
    int rc = wanted_members(&q, &members, &err);
    assert(rc == 0 ? members.count > 0 : members.count == 0 && err.text[0] != '\0');
    (void)rc;
    for (size_t i = 0; i < members.count; i++) {
        assert(member_host_is_address(members.items[i].host) && kube_is_dns_subdomain(members.items[i].comment));
        assert(member_list_find(&members, members.items[i].host, 6032) == &members.items[i]);
    }
    member_list_fini(&members);
    free(pods);
}

static int run(bool list, const char *data, size_t len, size_t piece, uint64_t *ret_digest)
{
    struct sink sink = {.list = list};
    struct json_split split;
    struct error err = ERROR_INIT;
    json_split_init(&split, on_object, &sink);
    json_split_reset(&split, list ? JSON_SPLIT_LIST : JSON_SPLIT_STREAM);
    int rc = 0;
    for (size_t at = 0; at < len && rc == 0; at += piece)
        rc = json_split_feed(&split, data + at, len - at < piece ? len - at : piece, &err);
    if (rc == 0 && list && json_split_at_end(&split)) {
        struct pod_list_head *head = calloc(1, sizeof(*head));
        assert(head != NULL);
        rc = pod_parse_list_head(split.envelope.data, split.envelope.len, head, &err);
        assert(rc < 0 || head->resource_version[0] != '\0');
        free(head);
    }
    assert(rc == 0 || (err.code == rc && err.text[0] != '\0'));
    check_wanted(&sink.pods);
    *ret_digest = sink.digest ^ sink.pods.count;
    json_split_fini(&split);
    pod_store_fini(&sink.pods);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    char message[64];
    const char *text = (const char *)data + 2;
    uint64_t whole;
    uint64_t pieces;
    bool list = (data[0] & 1) != 0;
    int rc = run(list, text, size - 2, size, &whole);
    int rc_pieces = run(list, text, size - 2, (size_t)data[1] + 1, &pieces);
    assert(rc == rc_pieces && whole == pieces);
    (void)rc;
    (void)rc_pieces;
    kube_status_message(text, size - 2, message, sizeof(message));
    return 0;
}

#include <stdio.h>
#include <string.h>

#include "ctl/render.h"
#include "ctl/table.h"

/* A checksum's first characters tell two contents apart well enough for a screen; satellites that have said nothing for
 * so long are gone. */
enum { checksum_shown = 8, satellite_age_max_s = 60, satellites_shown = 4, rows_shown = 32 };

static enum color color_of_level(const char *level)
{
    if (strcmp(level, "ok") == 0)
        return COLOR_GOOD;
    return strcmp(level, "changing") == 0 ? COLOR_WARN : COLOR_BAD;
}

/* "0xA1B2C3D4..." without its 0x */
static const char *short_checksum(const char *checksum)
{
    return strncmp(checksum, "0x", 2) == 0 ? checksum + 2 : checksum;
}

static void add_module(struct table *t, const char *host, const struct msgpack_object *m)
{
    char age[SCREEN_TIME_SIZE];
    bool own = host[0] == '\0';
    int64_t age_s = tree_int(m, "epoch_age_s", -1);
    table_cell(t, own ? COLOR_DIM : COLOR_NONE, "%s", own ? "this node" : host);
    table_cell(t, COLOR_NONE, "%s", tree_text(m, "module"));
    table_cell(t, COLOR_NONE, "%lld", (long long)tree_int(m, "version", 0));
    table_cell(t, COLOR_NONE, "%s", screen_duration(age_s < 0 ? -1 : age_s * 1000, age));
    table_cell(t, COLOR_NONE, "%.*s", checksum_shown, short_checksum(tree_text(m, "checksum")));
    if (own) {
        table_cell(t, COLOR_DIM, "-");
        table_cell(t, COLOR_DIM, "-");
        return;
    }
    table_cell(t, COLOR_NONE, "%lld", (long long)tree_int(m, "diff_check", 0));
    table_cell(t, color_of_level(tree_text(m, "level")), "%s", tree_text(m, "verdict"));
}

/* One screen: of a large cluster only what is not in sync is shown. */
static bool is_shown(const struct msgpack_object *m, bool all)
{
    return all || strcmp(tree_text(m, "level"), "ok") != 0;
}

static size_t count_modules(const struct msgpack_object *cluster)
{
    const struct msgpack_object *peers = tree_get(cluster, "peers");
    size_t count = tree_count(tree_get(cluster, "modules"));
    for (size_t i = 0; i < tree_count(peers); i++)
        count += tree_count(tree_get(tree_item(peers, i), "modules"));
    return count;
}

/* Returns how many rows of peers were added. */
static size_t add_peers(struct table *t, const struct msgpack_object *cluster, bool all)
{
    size_t added = 0;
    const struct msgpack_object *peers = tree_get(cluster, "peers");
    for (size_t i = 0; i < tree_count(peers); i++) {
        const struct msgpack_object *modules = tree_get(tree_item(peers, i), "modules");
        for (size_t j = 0; j < tree_count(modules); j++) {
            if (!is_shown(tree_item(modules, j), all) || added >= rows_shown)
                continue;
            add_module(t, tree_text(tree_item(peers, i), "host"), tree_item(modules, j));
            added++;
        }
    }
    return added;
}

static void show_modules(const struct msgpack_object *cluster, struct screen *s)
{
    static const struct column columns[] = {{"PEER", false, true},      {"MODULE", false, true}, {"VER", true, false},
                                            {"EPOCH AGE", true, false}, {"SUM", false, false},   {"DIFF", true, false},
                                            {"VERDICT", false, true}};
    const struct msgpack_object *own = tree_get(cluster, "modules");
    size_t count = count_modules(cluster);
    bool all = count <= rows_shown;
    struct table *t = table_new(columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < tree_count(own); i++)
        add_module(t, "", tree_item(own, i));
    size_t added = add_peers(t, cluster, all);
    if (count > 0)
        table_print(t, s);
    table_free(t);
    if (!all)
        screen_print(s, added == 0 ? COLOR_GOOD : COLOR_DIM,
                     "%zu modules of %zu peers are not shown: in sync, or beyond %d rows\n",
                     count - tree_count(own) - added, tree_count(tree_get(cluster, "peers")), rows_shown);
}

/* Satellites that pull from this node: how many, and some of them. */
static void show_satellites(const struct msgpack_object *cluster, struct screen *s)
{
    const struct msgpack_object *satellites = tree_get(cluster, "satellites");
    char names[SCREEN_TEXT_MAX] = "";
    size_t count = 0;
    for (size_t i = 0; i < tree_count(satellites); i++) {
        const struct msgpack_object *item = tree_item(satellites, i);
        if (tree_int(item, "age_s", 0) > satellite_age_max_s)
            continue;
        size_t used = strlen(names);
        if (count++ < satellites_shown)
            (void)snprintf(names + used, sizeof(names) - used, "%s%.60s (%lld s ago)", used == 0 ? ": " : ", ",
                           tree_text(item, "host"), (long long)tree_int(item, "age_s", 0));
    }
    if (tree_count(satellites) > 0)
        screen_field(s, "satellites", COLOR_NONE, "%zu pull from here%s%s", count, names,
                     count > satellites_shown ? ", ..." : "");
}

static void show_count(const struct msgpack_object *cluster, struct screen *s)
{
    char age[SCREEN_TIME_SIZE];
    long long actual = (long long)tree_int(cluster, "members_actual", 0);
    long long wanted = (long long)tree_int(cluster, "members_wanted", -1);
    const char *error = tree_text(cluster, "error");
    char target[SCREEN_TIME_SIZE] = "";
    if (wanted >= 0)
        (void)snprintf(target, sizeof(target), ", %lld wanted", wanted);
    screen_field(s, "members", wanted >= 0 && wanted != actual ? COLOR_BAD : COLOR_NONE, "%lld%s; seen %s ago%s%s",
                 actual, target, screen_duration(tree_int(cluster, "age_ms", -1), age), error[0] == '\0' ? "" : ": ",
                 error);
    if (!tree_bool(cluster, "checking"))
        screen_field(s, "", COLOR_WARN, "this node checks nobody (admin-cluster_username is empty)");
}

/* Whether the cluster was looked at yet; says so if not. */
static bool is_known(const struct msgpack_object *result, struct screen *s)
{
    const struct msgpack_object *cluster = tree_get(result, "cluster");
    const char *error = tree_text(cluster, "error");
    if (tree_bool(cluster, "known"))
        return true;
    screen_field(s, "members", COLOR_WARN, "not known yet%s%s", error[0] == '\0' ? "" : ": ", error);
    return false;
}

void render_cluster(const struct msgpack_object *result, struct screen *s)
{
    const struct msgpack_object *cluster = tree_get(result, "cluster");
    if (!is_known(result, s))
        return;
    show_count(cluster, s);
    show_satellites(cluster, s);
}

void render_modules(const struct msgpack_object *result, struct screen *s)
{
    const struct msgpack_object *cluster = tree_get(result, "cluster");
    if (!tree_bool(cluster, "known"))
        return;
    screen_print(s, COLOR_NONE, "\n");
    show_modules(cluster, s);
}

static const struct msgpack_object *find_peer(const struct msgpack_object *cluster, const struct msgpack_object *member)
{
    const struct msgpack_object *peers = tree_get(cluster, "peers");
    for (size_t i = 0; i < tree_count(peers); i++) {
        const struct msgpack_object *peer = tree_item(peers, i);
        if (strcmp(tree_text(peer, "host"), tree_text(member, "host")) == 0 &&
            tree_int(peer, "port", 0) == tree_int(member, "port", 0))
            return peer;
    }
    return NULL;
}

static void add_state(struct table *t, const struct msgpack_object *member)
{
    bool wanted = false;
    bool known = tree_is_bool(tree_get(member, "wanted"), &wanted);
    bool actual = tree_bool(member, "actual");
    if (!known)
        table_cell(t, COLOR_NONE, "member");
    else if (actual && wanted)
        table_cell(t, COLOR_GOOD, "member");
    else
        table_cell(t, COLOR_BAD, "%s", actual ? "to be removed" : "missing");
}

static void add_member(struct table *t, const struct msgpack_object *cluster, const struct msgpack_object *member)
{
    char age[SCREEN_TIME_SIZE];
    const struct msgpack_object *peer = find_peer(cluster, member);
    int64_t age_s = tree_int(peer, "age_s", -1);
    table_cell(t, COLOR_NONE, "%s", tree_text(member, "host"));
    table_cell(t, COLOR_NONE, "%lld", (long long)tree_int(member, "port", 0));
    table_cell(t, COLOR_NONE, "%s", tree_text(member, "name"));
    add_state(t, member);
    table_cell(t, COLOR_NONE, "%s", screen_duration(age_s < 0 ? -1 : age_s * 1000, age));
    if (peer == NULL)
        table_cell(t, COLOR_DIM, "-");
    else
        table_cell(t, color_of_level(tree_text(peer, "level")), "%s%s%s", tree_text(peer, "module"),
                   tree_text(peer, "module")[0] == '\0' ? "" : ": ", tree_text(peer, "verdict"));
}

void render_members(const struct msgpack_object *result, struct screen *s)
{
    static const struct column columns[] = {{"HOST", false, true},    {"PORT", true, false},
                                            {"POD", false, true},     {"STATE", false, false},
                                            {"CHECKED", true, false}, {"MODULES", false, true}};
    const struct msgpack_object *cluster = tree_get(result, "cluster");
    const struct msgpack_object *members = tree_get(cluster, "members");
    if (!is_known(result, s))
        return;
    struct table *t = table_new(columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < tree_count(members); i++)
        add_member(t, cluster, tree_item(members, i));
    table_print(t, s);
    table_free(t);
    screen_print(s, COLOR_NONE, "\n");
    render_cluster(result, s);
}

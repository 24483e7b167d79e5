#include <string.h>

#include "ctl/render.h"
#include "ctl/table.h"

/* Where a value comes from, without the file's path, which is said once below. */
static const char *place_of(const struct msgpack_object *setting)
{
    const char *where = tree_text(setting, "where");
    const char *line = strrchr(where, ':');
    if (strcmp(tree_text(setting, "source"), "file") == 0 && line != NULL)
        return line + 1;
    return where;
}

static void add_setting(struct table *t, const struct msgpack_object *setting)
{
    const char *source = tree_text(setting, "source");
    bool pending = tree_bool(setting, "pending");
    enum color color = strcmp(source, "default") == 0 ? COLOR_DIM : COLOR_NONE;
    table_cell(t, COLOR_NONE, "%s", tree_text(setting, "key"));
    table_cell(t, color, "%s", tree_text(setting, "value"));
    table_cell(t, pending ? COLOR_WARN : color, "%s%s%s%s", source, strcmp(source, "file") == 0 ? " line " : " ",
               place_of(setting), pending ? ", waits for a restart" : "");
}

void render_config(const struct msgpack_object *result, struct screen *s)
{
    static const struct column columns[] = {{"SETTING", false, false}, {"VALUE", false, true}, {"FROM", false, true}};
    const struct msgpack_object *settings = tree_get(result, "settings");
    const char *file = tree_text(result, "file");
    struct table *t = table_new(columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < tree_count(settings); i++)
        add_setting(t, tree_item(settings, i));
    table_print(t, s);
    table_free(t);
    screen_print(s, COLOR_DIM, "\n%s%s\n", file[0] == '\0' ? "no configuration file was read" : "file: ", file);
}

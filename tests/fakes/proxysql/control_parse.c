#include "tests/fakes/proxysql/control_parse.h"

#include <errno.h>
#include <string.h>

#include "shared/str.h"

int control_bad_argument(const char *argument, struct error *err)
{
    return error_set(err, -EINVAL, "bad argument '%s'", argument);
}

int control_parse_switch(const char *argument, bool *ret_on, struct error *err)
{
    if (strcmp(argument, "on") != 0 && strcmp(argument, "off") != 0)
        return control_bad_argument(argument, err);
    *ret_on = strcmp(argument, "on") == 0;
    return 0;
}

int control_parse_number(const char *argument, int64_t max, int64_t *ret_value, struct error *err)
{
    if (strcmp(argument, "off") == 0) {
        *ret_value = 0;
        return 0;
    }
    return str_to_int(argument, 0, max, ret_value) < 0 ? control_bad_argument(argument, err) : 0;
}

int control_parse_choice(const char *argument, const char *const *names, size_t len, int *ret_choice, struct error *err)
{
    for (size_t i = 0; i < len; i++) {
        if (strcmp(argument, names[i]) == 0) {
            *ret_choice = (int)i;
            return 0;
        }
    }
    return control_bad_argument(argument, err);
}

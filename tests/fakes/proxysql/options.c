#include "tests/fakes/proxysql/options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const struct flag {
    const char *name;
    size_t offset;
} flags[] = {
    {"--admin", offsetof(struct options, admin)},       {"--traffic", offsetof(struct options, traffic)},
    {"--control", offsetof(struct options, control)},   {"--users", offsetof(struct options, users)},
    {"--auth", offsetof(struct options, auth)},         {"--version", offsetof(struct options, version)},
    {"--tls-cert", offsetof(struct options, tls_cert)}, {"--tls-key", offsetof(struct options, tls_key)},
    {"--init", offsetof(struct options, init)},         {"--config", offsetof(struct options, config)},
    {"--data", offsetof(struct options, data)},
};

static int set_flag(struct options *options, const char *name, const char *value, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (strcmp(flags[i].name, name) != 0)
            continue;
        if (value == NULL)
            return error_set(err, -EINVAL, "%s needs a value", name);
        memcpy((char *)options + flags[i].offset, &value, sizeof value);
        return 0;
    }
    return error_set(err, -EINVAL, "unknown flag %s", name);
}

int options_parse(struct options *ret_options, int argc, char **argv, struct error *err)
{
    struct options options = {
        .version = "2.7.2-14-g5cc418b",
    };
    for (int i = 1; i < argc; i += 2) {
        int r = set_flag(&options, argv[i], argv[i + 1], err);
        if (r < 0)
            return r;
    }
    if (options.auth != NULL && strcmp(options.auth, "native") != 0 && strcmp(options.auth, "caching_sha2") != 0)
        return error_set(err, -EINVAL, "--auth %s: native or caching_sha2", options.auth);
    if ((options.tls_cert == NULL) != (options.tls_key == NULL))
        return error_set(err, -EINVAL, "--tls-cert and --tls-key belong together");
    *ret_options = options;
    return 0;
}

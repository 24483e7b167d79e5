#pragma once

/* What the tests of the configuration share: a temporary folder with a file in it, and loading from there. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/load.h"
#include "shared/mem.h"

struct config_fixture {
    char folder[64];
    char path[96]; /* of the file that config_fixture_write() writes */
    struct error err;
    struct loaded_config *loaded; /* of the last load, NULL when it failed */
};

static inline int config_fixture_setup(void **state)
{
    struct config_fixture *f = xcalloc(1, sizeof(*f));
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/config-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/config.yaml", f->folder);
    *state = f;
    return 0;
}

static inline int config_fixture_teardown(void **state)
{
    struct config_fixture *f = *state;
    config_free(f->loaded);
    (void)unlink(f->path);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static inline void config_fixture_write_bytes(struct config_fixture *f, const void *data, size_t len)
{
    FILE *file = fopen(f->path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static inline void config_fixture_write(struct config_fixture *f, const char *text)
{
    config_fixture_write_bytes(f, text, strlen(text));
}

/* arguments (without the program's name) and environment end with NULL and may be NULL. */
static inline int config_fixture_load(struct config_fixture *f, const char *const arguments[],
                                      const char *const environment[])
{
    const char *argv[16] = {"proxysql-agent"};
    int argc = 1;
    for (; arguments != NULL && arguments[argc - 1] != NULL; argc++)
        argv[argc] = arguments[argc - 1];
    const char *envp[16] = {NULL};
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++)
        envp[i] = environment[i];
    const char *const folders[] = {f->folder, NULL};

    config_free(f->loaded);
    f->loaded = NULL;
    error_clear(&f->err);
    return config_load_from(folders, argc, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)envp, &f->loaded,
                            &f->err);
}

#define ARGUMENTS(...)   ((const char *const[]){__VA_ARGS__, NULL})
#define ENVIRONMENT(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline void config_fixture_must_load(struct config_fixture *f, const char *const arguments[],
                                            const char *const environment[])
{
    if (config_fixture_load(f, arguments, environment) < 0)
        fail_msg("refused: %s", f->err.text);
}

/* The text of the refusal must be this one. */
static inline void config_fixture_must_refuse(struct config_fixture *f, const char *const arguments[],
                                              const char *const environment[], const char *text)
{
    int rc = config_fixture_load(f, arguments, environment);
    if (rc == 0)
        fail_msg("accepted, but wanted: %s", text);
    assert_int_equal(rc, f->err.code);
    assert_string_equal(f->err.text, text);
}

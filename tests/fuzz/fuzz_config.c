/*
 * All sources of the configuration. The input up to the first NUL is the file; then, each ended by a NUL, variables of
 * the environment ("AGENT_...") and arguments (everything else).
 *
 * Beyond not crashing: a refusal always has a text, and what --show-config prints of an accepted configuration loads
 * again and prints the same values.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/config/show.h"
#include "tests/fuzz/fuzz.h"

enum { WORDS_MAX = 32, SHOWN_MAX = 1024 * 1024 };

struct words {
    char *items[WORDS_MAX + 2];
    int count;
};

static const char *const no_folders[] = {NULL};

/* A file in memory and the variable that names it. */
static int file_fd = -1;
static char file_variable[64];

static void put_file(const void *data, size_t size)
{
    if (file_fd < 0) {
        file_fd = memfd_create("config", MFD_CLOEXEC);
        assert(file_fd >= 0);
        (void)snprintf(file_variable, sizeof(file_variable), "AGENT_CONFIG_FILE=/proc/self/fd/%d", file_fd);
    }
    int rc = ftruncate(file_fd, 0);
    assert(rc == 0);
    ssize_t written = pwrite(file_fd, data, size, 0);
    assert(written == (ssize_t)size);
    (void)rc;
    (void)written;
}

static void add_word(struct words *words, char *text)
{
    if (words->count < WORDS_MAX)
        words->items[words->count++] = text;
}

/* The value column alone: the origins differ between a configuration and what was shown of it. */
static void drop_comments(char *shown)
{
    char *out = shown;
    while (*shown != '\0') {
        size_t line = strcspn(shown, "\n");
        size_t keep = line;
        for (size_t i = 0; i + 3 <= line; i++) {
            if (memcmp(shown + i, " # ", 3) == 0)
                keep = i;
        }
        memmove(out, shown, keep);
        out += keep;
        *out++ = '\n';
        shown += line + (shown[line] == '\n' ? 1 : 0);
    }
    *out = '\0';
}

static void show(const struct loaded_config *loaded, struct buf *out)
{
    buf_init(out, SHOWN_MAX);
    int rc = config_show(loaded, out);
    assert(rc == 0);
    (void)rc;
}

static void check_shown(const struct loaded_config *loaded)
{
    cleanup_buf struct buf first;
    show(loaded, &first);
    put_file(first.data, first.len);

    char *environment[] = {file_variable, NULL};
    char *arguments[] = {NULL};
    struct loaded_config *again;
    struct error err = ERROR_INIT;
    int rc = config_load_from(no_folders, 0, arguments, environment, &again, &err);
    if (rc < 0) {
        (void)fprintf(stderr, "%s\n%s", err.text, first.data);
        abort();
    }
    cleanup_buf struct buf second;
    show(again, &second);
    config_free(again);
    drop_comments(first.data);
    drop_comments(second.data);
    if (strcmp(first.data, second.data) != 0) {
        (void)fprintf(stderr, "shown:\n%s\nloaded again:\n%s", first.data, second.data);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    assert(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';

    size_t file_len = strlen(text);
    put_file(text, file_len);
    struct words environment = {.count = 0};
    struct words arguments = {.count = 0};
    add_word(&environment, file_variable);
    char name[] = "proxysql-agent";
    add_word(&arguments, name);
    for (size_t at = file_len + 1; at < size; at += strlen(text + at) + 1)
        add_word(strncmp(text + at, "AGENT_", 6) == 0 ? &environment : &arguments, text + at);

    struct loaded_config *loaded;
    struct error err = ERROR_INIT;
    if (config_load_from(no_folders, arguments.count, arguments.items, environment.items, &loaded, &err) < 0) {
        assert(err.code < 0 && err.text[0] != '\0');
    } else {
        check_shown(loaded);
        config_free(loaded);
    }
    free(text);
    return 0;
}

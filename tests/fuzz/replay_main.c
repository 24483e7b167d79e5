/* Runs a fuzz target over every file of the folders (or files) given, in builds without libFuzzer. */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "shared/file.h"
#include "shared/mem.h"
#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 16 * 1024 * 1024 };

static unsigned replayed;

static int replay_file(const char *path)
{
    cleanup_buf struct buf input;
    buf_init(&input, INPUT_MAX);
    struct error err = ERROR_INIT;
    if (file_read(path, &input, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    /* a copy of exactly this size: the sanitizer sees a read past its end */
    uint8_t *copy = malloc(input.len == 0 ? 1 : input.len);
    if (copy == NULL)
        return -1;
    for (size_t i = 0; i < input.len; i++)
        copy[i] = (uint8_t)input.data[i];
    (void)LLVMFuzzerTestOneInput(copy, input.len);
    free(copy);
    replayed++;
    return 0;
}

static int replay_folder(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) {
        perror(path);
        return -1;
    }
    int rc = 0;
    for (int i = 0; i < count; i++) {
        cleanup_free char *file = xasprintf("%s/%s", path, entries[i]->d_name);
        if (rc == 0 && entries[i]->d_name[0] != '.')
            rc = replay_file(file);
        free(entries[i]);
    }
    free(entries);
    return rc;
}

int main(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++) {
        struct stat status;
        bool folder = stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode);
        if ((folder ? replay_folder(argv[i]) : replay_file(argv[i])) < 0)
            return EXIT_FAILURE;
    }
    (void)printf("%u inputs replayed\n", replayed);
    return replayed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

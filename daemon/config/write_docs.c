/* Writes the repository's files that come from the option table: write_docs reference|example > FILE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/reference.h"

int main(int argc, char *argv[])
{
    cleanup_buf struct buf text;
    buf_init(&text, 65536);
    int rc = -1;
    if (argc == 2 && strcmp(argv[1], "reference") == 0)
        rc = config_reference(&text);
    else if (argc == 2 && strcmp(argv[1], "example") == 0)
        rc = config_example(&text);
    if (rc < 0) {
        (void)fprintf(stderr, "usage: %s reference|example\n", argv[0]);
        return EXIT_FAILURE;
    }
    return fwrite(text.data, 1, text.len, stdout) == text.len && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

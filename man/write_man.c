/* Writes the manual pages that come from the tables: write_man agentctl|yaml|agent > FILE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "man/pages.h"

enum { page_bytes_max = 256 * 1024 };

int main(int argc, char *argv[])
{
    cleanup_buf struct buf text;
    buf_init(&text, page_bytes_max);
    int rc = -1;
    if (argc == 2 && strcmp(argv[1], "agentctl") == 0)
        rc = page_agentctl(&text);
    else if (argc == 2 && strcmp(argv[1], "yaml") == 0)
        rc = page_yaml(&text);
    else if (argc == 2 && strcmp(argv[1], "agent") == 0)
        rc = page_agent(&text);
    if (rc < 0) {
        (void)fprintf(stderr, "usage: %s agentctl|yaml|agent\n", argv[0]);
        return EXIT_FAILURE;
    }
    return fwrite(text.data, 1, text.len, stdout) == text.len && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

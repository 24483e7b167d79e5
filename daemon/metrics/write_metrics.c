/* Writes docs/metrics.md: write_metrics > FILE. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/metrics/metrics.h"

int main(void)
{
    cleanup_buf struct buf text;
    buf_init(&text, 256 * 1024);
    bool written = metrics_reference(&text) == 0 && fwrite(text.data, 1, text.len, stdout) == text.len;
    return written && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

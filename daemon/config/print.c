#include "daemon/config/print.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/option_value.h"

void print(struct printer *printer, const char *fmt, ...)
{
    enum { line_max = 1024 };
    char text[line_max];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (printer->error == 0)
        printer->error = len < 0 || len >= line_max ? -EMSGSIZE : buf_append(printer->out, text, (size_t)len);
}

void print_text(struct printer *printer, const char *text)
{
    if (printer->error == 0)
        printer->error = buf_puts(printer->out, text);
}

void print_value(struct printer *printer, const struct config *config, const struct option *option)
{
    if (printer->error == 0)
        printer->error = option_write(config, option, printer->out);
}

void print_allowed(struct printer *printer, const struct option *option)
{
    char allowed[OPTION_ALLOWED_MAX];
    option_allowed(option, allowed);
    if (option->type == OPTION_LIST || option->type == OPTION_CIDR_LIST)
        print(printer, "a list%s%s; in the environment and flags with commas", allowed[0] == '\0' ? "" : " of ",
              allowed);
    else
        print(printer, "%s%s%s", allowed[0] == '\0' ? "text" : allowed, option->unit == NULL ? "" : " ",
              option->unit == NULL ? "" : option->unit);
}

int print_groups(struct printer *printer, const char *before, const struct option *option)
{
    const char *start = option->key;
    int indent = 0;
    bool same = true;
    for (const char *dot = strchr(start, '.'); dot != NULL; dot = strchr(start, '.')) {
        same = same && strncmp(before, option->key, (size_t)(dot - option->key) + 1) == 0;
        if (!same)
            print(printer, "%*s%.*s:\n", indent, "", (int)(dot - start), start);
        start = dot + 1;
        indent += 2;
    }
    return indent;
}

void print_key(struct printer *printer, const char *before, const struct option *option, const char *comment)
{
    int indent = print_groups(printer, before, option);
    const char *dot = strrchr(option->key, '.');
    print(printer, "%*s%s%s: ", indent, "", comment, dot == NULL ? option->key : dot + 1);
}

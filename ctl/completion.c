#include "ctl/completion.h"

#include <string.h>

/* The words that may follow a command: its options, the values of its positional arguments. */
static int write_words(const struct command *c, struct buf *out)
{
    int rc = 0;
    const struct argument *a = NULL;
    while (rc == 0 && (a = command_next(c, COMMAND_BY_LINE, a)) != NULL) {
        if (!a->positional)
            rc = buf_printf(out, " --%s", a->name);
        for (size_t n = 0; rc == 0 && a->positional && a->names != NULL && a->names[n] != NULL; n++)
            rc = buf_printf(out, " %s", a->names[n]);
    }
    return rc;
}

static int write_globals(struct buf *out)
{
    int rc = 0;
    for (const struct argument *g = global_options; rc == 0 && g->name != NULL; g++)
        rc = buf_printf(out, " --%s", g->name);
    return rc;
}

static int write_names(struct buf *out)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < COMMAND_IDS; i++)
        rc = buf_printf(out, " %s", command_table[i].name);
    return rc == 0 ? buf_puts(out, " completion help") : rc;
}

static int write_cases(struct buf *out)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < COMMAND_IDS; i++) {
        if (command_next(&command_table[i], COMMAND_BY_LINE, NULL) == NULL)
            continue;
        rc = buf_printf(out, "    %s) words+=\"", command_table[i].name);
        if (rc == 0)
            rc = write_words(&command_table[i], out);
        if (rc == 0)
            rc = buf_puts(out, "\" ;;\n");
    }
    if (rc == 0)
        rc = buf_puts(out, "    completion) words+=\" bash zsh\" ;;\n    help) words+=\"$commands\" ;;\n");
    return rc;
}

static int write_bash(struct buf *out)
{
    int rc = buf_puts(
        out, "_proxysql_agentctl() {\n    local current=${COMP_WORDS[COMP_CWORD]} previous=\"\" command=\"\" "
             "word\n    [ \"$COMP_CWORD\" -lt 1 ] || previous=${COMP_WORDS[COMP_CWORD-1]}\n    local commands=\"");
    if (rc == 0)
        rc = write_names(out);
    if (rc == 0)
        rc = buf_puts(out, "\" words=\"");
    if (rc == 0)
        rc = write_globals(out);
    if (rc == 0)
        rc = buf_puts(out,
                      "\"\n    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                      "        [[ \" $commands \" == *\" $word \"* ]] && { command=$word; break; }\n    done\n"
                      "    case $previous in\n    --socket) COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n"
                      "    --output) COMPREPLY=($(compgen -W \"table json\" -- \"$current\")); return ;;\n    esac\n"
                      "    case $command in\n    \"\") words+=\"$commands\" ;;\n");
    if (rc == 0)
        rc = write_cases(out);
    if (rc == 0)
        rc = buf_puts(out, "    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\n"
                           "complete -F _proxysql_agentctl proxysql-agentctl\n");
    return rc;
}

/* Between single quotes in a list of zsh's _describe, where a colon ends the word. */
static int write_described(const char *word, const char *summary, struct buf *out)
{
    int rc = buf_printf(out, "        '%s:", word);
    for (; rc == 0 && *summary != '\0'; summary++)
        rc = *summary == '\'' ? buf_puts(out, "'\\''") : buf_append(out, summary, 1);
    return rc == 0 ? buf_puts(out, "'\n") : rc;
}

static int write_described_commands(struct buf *out)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < COMMAND_IDS; i++)
        rc = write_described(command_table[i].name, command_table[i].summary, out);
    if (rc == 0)
        rc = write_described("completion", "Print the completion for a shell.", out);
    return rc == 0 ? write_described("help", "Print help.", out) : rc;
}

static int write_zsh(struct buf *out)
{
    int rc =
        buf_puts(out, "#compdef proxysql-agentctl\n_proxysql_agentctl() {\n    local -a described\n    described=(\n");
    if (rc == 0)
        rc = write_described_commands(out);
    if (rc == 0)
        rc = buf_puts(out, "    )\n    local commands=\"");
    if (rc == 0)
        rc = write_names(out);
    if (rc == 0)
        rc = buf_puts(out, "\" words_of=\"");
    if (rc == 0)
        rc = write_globals(out);
    if (rc == 0)
        rc = buf_puts(out, "\" command=\"\" word\n    for word in ${words[2,CURRENT-1]}; do\n"
                           "        [[ \" $commands \" == *\" $word \"* ]] && { command=$word; break }\n    done\n"
                           "    case ${words[CURRENT-1]} in\n    --socket) _files; return ;;\n"
                           "    --output) compadd table json; return ;;\n    esac\n"
                           "    [[ -n $command ]] || _describe command described\n    local words=\"$words_of\"\n"
                           "    case $command in\n    \"\") ;;\n");
    if (rc == 0)
        rc = write_cases(out);
    if (rc == 0)
        rc = buf_puts(out, "    esac\n    compadd -- ${=words}\n}\ncompdef _proxysql_agentctl proxysql-agentctl\n");
    return rc;
}

int completion_write(enum shell shell, struct buf *out)
{
    return shell == SHELL_BASH ? write_bash(out) : write_zsh(out);
}

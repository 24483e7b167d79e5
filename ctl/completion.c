#include "ctl/completion.h"

#include <string.h>

/* The values that are known for an argument: its names; a path; nothing. */
enum value_kind { VALUE_NONE, VALUE_NAMES, VALUE_PATH };

static enum value_kind kind_of(const struct argument *a)
{
    if (a->type == ARGUMENT_NAME)
        return VALUE_NAMES;
    return a->value != NULL && strcmp(a->value, "PATH") == 0 ? VALUE_PATH : VALUE_NONE;
}

static int write_value_names(const struct argument *a, struct buf *out)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && a->names[i] != NULL; i++)
        rc = buf_printf(out, "%s%s", i == 0 ? "" : " ", a->names[i]);
    return rc;
}

static int write_names(struct buf *out)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < COMMAND_IDS; i++)
        rc = buf_printf(out, "%s ", command_table[i].name);
    return rc == 0 ? buf_puts(out, "completion help") : rc;
}

/* --- bash */

/* The words that may follow a command: its options, the values of its positional arguments. */
static int write_words(const struct command *c, struct buf *out)
{
    int rc = 0;
    const struct argument *a = NULL;
    while (rc == 0 && (a = command_next(c, COMMAND_BY_LINE, a)) != NULL) {
        rc = a->positional ? buf_puts(out, " ") : buf_printf(out, " --%s", a->name);
        if (rc == 0 && a->positional && kind_of(a) == VALUE_NAMES)
            rc = write_value_names(a, out);
    }
    return rc;
}

static int write_bash_commands(struct buf *out)
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
    return rc;
}

/* What completes the value of an option of this command ("" = of all). */
static int write_bash_value(const char *command, const struct argument *a, struct buf *out)
{
    if (a->type == ARGUMENT_FLAG || a->positional)
        return 0;
    int rc = buf_printf(out, "    %s:--%s) ", command, a->name);
    if (rc < 0)
        return rc;
    switch (kind_of(a)) {
    case VALUE_NAMES:
        rc = buf_puts(out, "COMPREPLY=($(compgen -W \"");
        if (rc == 0)
            rc = write_value_names(a, out);
        return rc == 0 ? buf_puts(out, "\" -- \"$current\")); return ;;\n") : rc;
    case VALUE_PATH:
        return buf_puts(out, "compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); "
                             "return ;;\n");
    case VALUE_NONE:
    default:
        return buf_puts(out, "return ;;\n");
    }
}

static int write_bash_values(struct buf *out)
{
    int rc = 0;
    for (const struct argument *g = global_options; rc == 0 && g->name != NULL; g++)
        rc = write_bash_value("*", g, out);
    for (size_t i = 0; rc == 0 && i < COMMAND_IDS; i++) {
        const struct argument *a = NULL;
        while (rc == 0 && (a = command_next(&command_table[i], COMMAND_BY_LINE, a)) != NULL)
            rc = write_bash_value(command_table[i].name, a, out);
    }
    return rc;
}

static int write_globals(struct buf *out)
{
    int rc = 0;
    for (const struct argument *g = global_options; rc == 0 && g->name != NULL; g++)
        rc = buf_printf(out, "%s--%s", g == global_options ? "" : " ", g->name);
    return rc;
}

/* The options before the command whose next word is their value. */
static int write_globals_with_values(struct buf *out)
{
    int rc = 0;
    for (const struct argument *g = global_options; rc == 0 && g->name != NULL; g++)
        if (g->type != ARGUMENT_FLAG)
            rc = buf_printf(out, "%s--%s", g == global_options ? "" : "|", g->name);
    return rc;
}

/* Bash takes "--output=json" apart at its "=". */
static const char bash_begin[] = "_proxysql_agentctl() {\n"
                                 "    local current=${COMP_WORDS[COMP_CWORD]} command=\"\" value=\"\" at\n"
                                 "    local previous=${COMP_WORDS[COMP_CWORD-1]}\n"
                                 "    if [[ $current == \"=\" ]]; then\n"
                                 "        current=\"\"\n"
                                 "    elif [[ $previous == \"=\" ]]; then\n"
                                 "        previous=${COMP_WORDS[COMP_CWORD-2]}\n"
                                 "    fi\n";

static const char bash_find[] = ") value=1 ;;\n"
                                "        =) value=1 ;;\n"
                                "        *) [[ -z $value && \" $commands \" == *\" ${COMP_WORDS[at]} \"* ]] &&\n"
                                "            { command=${COMP_WORDS[at]}; break; }\n"
                                "            value=\"\" ;;\n"
                                "        esac\n"
                                "    done\n"
                                "    case $command:$previous in\n";

static int write_bash(struct buf *out)
{
    int rc = buf_puts(out, bash_begin);
    if (rc == 0)
        rc = buf_puts(out, "    local commands=\"");
    if (rc == 0)
        rc = write_names(out);
    if (rc == 0)
        rc = buf_puts(out, "\" words=\"");
    if (rc == 0)
        rc = write_globals(out);
    if (rc == 0)
        rc = buf_puts(out, "\"\n    for ((at = 1; at < COMP_CWORD; at++)); do\n        case ${COMP_WORDS[at]} in\n"
                           "        ");
    if (rc == 0)
        rc = write_globals_with_values(out);
    if (rc == 0)
        rc = buf_puts(out, bash_find);
    if (rc == 0)
        rc = write_bash_values(out);
    if (rc == 0)
        rc = buf_puts(out, "    esac\n    case $command in\n    \"\") words+=\" $commands\" ;;\n");
    if (rc == 0)
        rc = write_bash_commands(out);
    if (rc == 0)
        rc = buf_puts(out, "    completion) words+=\" bash zsh\" ;;\n    help) words+=\" $commands\" ;;\n    esac\n"
                           "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\n"
                           "complete -F _proxysql_agentctl proxysql-agentctl\n");
    return rc;
}

/* --- zsh */

/* Text between single quotes, with a backslash before each of these characters. */
static int write_quoted(const char *text, const char *special, struct buf *out)
{
    int rc = 0;
    for (; rc == 0 && *text != '\0'; text++) {
        if (strchr(special, *text) != NULL)
            rc = buf_puts(out, "\\");
        if (rc == 0)
            rc = *text == '\'' ? buf_puts(out, "'\\''") : buf_append(out, text, 1);
    }
    return rc;
}

/* One line of a list for _describe, where a colon ends the word. */
static int write_described(const char *word, const char *summary, struct buf *out)
{
    int rc = buf_printf(out, "        '%s:", word);
    if (rc == 0)
        rc = write_quoted(summary, "", out);
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

/* The value in a specification for _arguments: ":message:action". */
static int write_zsh_value(const struct argument *a, struct buf *out)
{
    char allowed[ARGUMENT_ALLOWED_MAX];
    argument_allowed(a, allowed);
    int rc = buf_printf(out, ":%s:", a->type == ARGUMENT_INT ? allowed : a->name);
    if (rc < 0)
        return rc;
    switch (kind_of(a)) {
    case VALUE_NAMES:
        rc = buf_puts(out, "(");
        if (rc == 0)
            rc = write_value_names(a, out);
        return rc == 0 ? buf_puts(out, ")") : rc;
    case VALUE_PATH:
        return buf_puts(out, "_files");
    case VALUE_NONE:
    default:
        return 0;
    }
}

/* A specification for _arguments: '--delay=[SUMMARY]:delay:'. */
static int write_zsh_argument(const struct argument *a, struct buf *out)
{
    bool takes = a->type != ARGUMENT_FLAG;
    int rc = a->positional ? buf_puts(out, " '") : buf_printf(out, " '--%s%s[", a->name, takes ? "=" : "");
    if (rc == 0 && !a->positional)
        rc = write_quoted(a->summary, "[]\\:", out);
    if (rc == 0 && !a->positional)
        rc = buf_puts(out, "]");
    if (rc == 0 && takes)
        rc = write_zsh_value(a, out);
    return rc == 0 ? buf_puts(out, "'") : rc;
}

static int write_zsh_cases(struct buf *out)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < COMMAND_IDS; i++) {
        const struct argument *a = NULL;
        rc = buf_printf(out, "    %s) _arguments \"$options[@]\"", command_table[i].name);
        while (rc == 0 && (a = command_next(&command_table[i], COMMAND_BY_LINE, a)) != NULL)
            rc = write_zsh_argument(a, out);
        if (rc == 0)
            rc = buf_puts(out, " ;;\n");
    }
    return rc;
}

/* In a file of $fpath it is the function's body, else it is sourced. */
static const char zsh_end[] = "    completion) _arguments \"$options[@]\" ':shell:(bash zsh)' ;;\n"
                              "    help) _arguments \"$options[@]\" ':command:{_describe command described}' ;;\n"
                              "    esac\n}\n"
                              "if [[ $funcstack[1] == _proxysql-agentctl ]]; then\n"
                              "    _proxysql-agentctl \"$@\"\nelse\n"
                              "    compdef _proxysql-agentctl proxysql-agentctl\nfi\n";

static int write_zsh(struct buf *out)
{
    int rc = buf_puts(out, "#compdef proxysql-agentctl\n_proxysql-agentctl() {\n"
                           "    local curcontext=\"$curcontext\" state line\n    local -a described options\n"
                           "    described=(\n");
    if (rc == 0)
        rc = write_described_commands(out);
    if (rc == 0)
        rc = buf_puts(out, "    )\n    options=(");
    for (const struct argument *g = global_options; rc == 0 && g->name != NULL; g++)
        rc = write_zsh_argument(g, out);
    if (rc == 0)
        rc = buf_puts(out, ")\n    _arguments -C \"$options[@]\" ':command:{_describe command described}' "
                           "'*:: :->arguments' && return\n    case $words[1] in\n");
    if (rc == 0)
        rc = write_zsh_cases(out);
    return rc == 0 ? buf_puts(out, zsh_end) : rc;
}

int completion_write(enum shell shell, struct buf *out)
{
    return shell == SHELL_BASH ? write_bash(out) : write_zsh(out);
}

/*
 * command.c -- one function per command; the table at the end is what `help` prints.
 */
#include "cli/command.h"

#include "common/json.h"

typedef struct Command {
    const char *words; /* how the line begins */
    const char *arguments;
    const char *help;
    CommandResult (*run)(Shell *shell, Str argument);
} Command;

static const Command commands[];

/* --- reading ---------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Whether line begins with words, which one space separates here and any number there. */
static bool begins(Str line, const char *words, Str *rest)
{
    size_t at = 0;

    for (const char *c = words; *c; c++) {
        if (*c == ' ') {
            if (at == line.len || !is_space(line.ptr[at]))
                return false;
            while (at < line.len && is_space(line.ptr[at]))
                at++;
            continue;
        }
        if (at == line.len || (line.ptr[at] | 0x20) != *c)
            return false;
        at++;
    }
    if (at < line.len && !is_space(line.ptr[at]))
        return false;
    *rest = str_trim(str_slice(line, at, line.len));
    return true;
}

static Str unquoted(Str text)
{
    bool is_quoted = text.len >= 2 && (text.ptr[0] == '\'' || text.ptr[0] == '"') &&
                     text.ptr[text.len - 1] == text.ptr[0];

    return is_quoted ? str_slice(text, 1, text.len - 1) : text;
}

static bool is_on_off(Shell *shell, Str argument, bool *out)
{
    if (!str_eq_nocase(argument, STR("ON")) && !str_eq_nocase(argument, STR("OFF"))) {
        output_error(&shell->output, STR("ON or OFF is expected"));
        return false;
    }
    *out = str_eq_nocase(argument, STR("ON"));
    return true;
}

/* --- commands --------------------------------------------------------------------------------- */

static CommandResult run_clear(Shell *shell, Str argument)
{
    (void)shell;
    (void)argument;
    fputs("\033[H\033[2J", stdout);
    fflush(stdout);
    return COMMAND_DONE;
}

static CommandResult run_column_width(Shell *shell, Str argument)
{
    int64_t width;

    if (!str_to_i64(argument, &width) || width < 0 || width > 10000)
        output_error(&shell->output, STR("a width from 0 (automatic) to 10000 is expected"));
    else
        shell->output.column_width = width;
    return COMMAND_DONE;
}

static CommandResult run_exit(Shell *shell, Str argument)
{
    (void)shell;
    (void)argument;
    return COMMAND_EXIT;
}

static CommandResult run_history(Shell *shell, Str argument)
{
    (void)shell;
    (void)argument;
    return COMMAND_HISTORY;
}

static CommandResult run_output(Shell *shell, Str argument)
{
    if (str_eq_nocase(argument, STR("JSON")))
        shell->output.is_json = true;
    else if (str_eq_nocase(argument, STR("TABULAR")))
        shell->output.is_json = false;
    else if (argument.len > 0)
        output_error(&shell->output, STR("JSON or TABULAR is expected"));
    output_line(&shell->output, "Output format is %s", shell->output.is_json ? "JSON" : "TABULAR");
    return COMMAND_DONE;
}

static CommandResult run_pipelining(Shell *shell, Str argument)
{
    bool is_on;

    if (argument.len > 0 && is_on_off(shell, argument, &is_on))
        shell->session.is_pipelining = is_on;
    output_line(&shell->output, "Request pipelining is %s",
                shell->session.is_pipelining ? "ON" : "OFF");
    return COMMAND_DONE;
}

static CommandResult run_script(Shell *shell, Str argument)
{
    if (argument.len == 0)
        output_error(&shell->output, STR("the name of a file is expected"));
    else
        (void)shell_run_file(shell, unquoted(argument));
    return COMMAND_DONE;
}

static CommandResult run_server(Shell *shell, Str argument)
{
    Err err;

    if (argument.len == 0) {
        output_line(&shell->output, "%s", client_url(shell->client));
        return COMMAND_DONE;
    }
    if (client_move(shell->client, unquoted(argument), &err) != ERR_OK) {
        (void)shell_fail(shell, &err, STR(""));
        return COMMAND_DONE;
    }
    shell->session.sequence = -1; /* it counted the other server's statements */
    command_version(shell);
    return COMMAND_DONE;
}

static CommandResult run_spool(Shell *shell, Str argument)
{
    Arena *mem = arena_new(0);
    Err    err;

    if (str_eq_nocase(argument, STR("OFF"))) {
        output_spool_end(&shell->output);
    } else if (argument.len == 0) {
        output_error(&shell->output, STR("the name of a file, or OFF, is expected"));
    } else if (output_spool(&shell->output, str_to_c(mem, unquoted(argument)), &err) != ERR_OK) {
        (void)shell_fail(shell, &err, STR(""));
    } else {
        output_line(&shell->output, "Session is written to %.*s too", STR_ARG(unquoted(argument)));
    }
    arena_free(mem);
    return COMMAND_DONE;
}

void command_version(Shell *shell)
{
    Arena      *mem = arena_new(0);
    Buf         answer = buf_in(mem);
    const Json *info = NULL;
    Str         message = STR_NULL;
    Json       *json;
    int         status;
    Err         err;

    if (client_ask(shell->client, "/info", STR_NULL, &answer, &status, &err) != ERR_OK) {
        (void)shell_fail(shell, &err, STR(""));
        arena_free(mem);
        return;
    }
    if (json_parse(mem, buf_view(&answer), &json, &err) == ERR_OK) {
        info = json_get(json, STR("KsqlServerInfo"));
        message = json_get_str(json, STR("message"), STR_NULL);
    }
    if (info)
        output_line(&shell->output, "weir %s, server %.*s at %s: %.*s", WEIR_VERSION,
                    STR_ARG(json_get_str(info, STR("weirVersion"), STR("?"))),
                    client_url(shell->client),
                    STR_ARG(json_get_str(info, STR("serverStatus"), STR("?"))));
    else if (message.ptr)
        output_line(&shell->output, "weir %s, server at %s: %.*s", WEIR_VERSION,
                    client_url(shell->client), STR_ARG(message));
    else
        output_line(&shell->output, "weir %s; what answers at %s is no Weir server", WEIR_VERSION,
                    client_url(shell->client));
    arena_free(mem);
}

static CommandResult run_version(Shell *shell, Str argument)
{
    (void)argument;
    command_version(shell);
    return COMMAND_DONE;
}

static CommandResult run_wrap(Shell *shell, Str argument)
{
    bool is_on;

    if (is_on_off(shell, argument, &is_on))
        shell->output.is_clipped = !is_on;
    return COMMAND_DONE;
}

static CommandResult run_help(Shell *shell, Str argument)
{
    (void)argument;
    for (const Command *command = commands; command->words; command++)
        output_line(&shell->output, "  %-20s %-14s  %s", command->words, command->arguments,
                    command->help);
    output_line(&shell->output, "\nAll else is SQL, up to its semicolon: SHOW STREAMS; "
                                "DESCRIBE name; SELECT ... EMIT CHANGES;\n"
                                "Ctrl-C ends a query or clears the line, Ctrl-D leaves.");
    return COMMAND_DONE;
}

static const Command commands[] = {
    {"help", "", "these lines", run_help},
    {"clear", "", "clear the screen", run_clear},
    {"exit", "", "leave", run_exit},
    {"quit", "", "leave", run_exit},
    {"history", "", "what was typed; !! and !n type it again", run_history},
    {"output", "[JSON|TABULAR]", "how results are shown", run_output},
    {"request-pipelining", "[ON|OFF]", "do not wait for the last statement's effect",
     run_pipelining},
    {"run script", "FILE", "run the statements of a file", run_script},
    {"server", "[URL]", "show the server, or go to another", run_server},
    {"set cli wrap", "ON|OFF", "wrap long cells, or cut them", run_wrap},
    {"set cli column-width", "N", "width of result cells; 0: the terminal is shared out",
     run_column_width},
    {"spool", "FILE|OFF", "write the session to a file, too", run_spool},
    {"version", "", "of this client and of the server", run_version},
    {0},
};

CommandResult command_run(Shell *shell, Str line)
{
    Str argument;

    line = str_trim(line);
    while (line.len > 0 && line.ptr[line.len - 1] == ';')
        line = str_trim(str_slice(line, 0, line.len - 1));
    for (const Command *command = commands; command->words; command++) {
        if (begins(line, command->words, &argument))
            return command->run(shell, argument);
    }
    return COMMAND_NONE;
}

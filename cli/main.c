/*
 * main.c -- the command `weir`: a session, a script, or a subcommand.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/datagen.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/repl.h"
#include "cli/shell.h"
#include "cli/test.h"

static int exit_code_of(ShellResult result)
{
    static const int codes[] = {[SHELL_OK] = EXIT_CODE_OK,
                                [SHELL_FAILED] = EXIT_CODE_FAILED,
                                [SHELL_UNREACHABLE] = EXIT_CODE_UNREACHABLE,
                                [SHELL_INTERRUPTED] = EXIT_CODE_INTERRUPTED};

    return codes[result];
}

/* -e may leave out the last semicolon; it goes on a line of its own, behind a comment. */
static Str with_semicolon(Arena *mem, Str sql)
{
    Str trimmed = str_trim(sql);

    if (trimmed.len == 0 || trimmed.ptr[trimmed.len - 1] == ';')
        return sql;
    return str_printf(mem, "%.*s\n;", STR_ARG(sql));
}

static int run(Shell *shell, Arena *mem, const Options *options)
{
    ShellResult result;

    if (options->sql.ptr)
        result = shell_run(shell, with_semicolon(mem, options->sql));
    else if (options->file.ptr)
        result = shell_run_file(shell, options->file);
    else
        result = repl_run(shell);
    return exit_code_of(result);
}

static int fail_usage(Arena *mem, const Err *err)
{
    fprintf(stderr, "weir: %.*s\n", STR_ARG(err_render(mem, err, STR(""))));
    return EXIT_CODE_USAGE;
}

static int run_client(Arena *mem, int argc, char *const *argv)
{
    Shell   shell = {0};
    Options options;
    Err     err;
    int     code;

    client_session_init(&shell.session, mem);
    if (options_parse(&options, &shell.session, mem, argc, argv, &err) != ERR_OK)
        return fail_usage(mem, &err);
    if (options.wants_help) {
        Buf help = buf_in(mem);

        options_help(&help);
        fwrite(help.ptr, 1, help.len, stdout);
        return EXIT_CODE_OK;
    }
    if (options.wants_version) {
        puts("weir " WEIR_VERSION);
        return EXIT_CODE_OK;
    }
    if (options.auth.user && !options.auth.password && isatty(STDIN_FILENO))
        options.auth.password = getpass("Password: ");
    if (client_open(options.server, &options.auth, &shell.client, &err) != ERR_OK)
        return fail_usage(mem, &err);
    shell.output.is_json = options.is_json;
    shell.rows_max = options.rows_max;
    shell.timeout_ms = options.timeout_ms;
    code = run(&shell, mem, &options);
    output_spool_end(&shell.output);
    client_close(shell.client);
    return code;
}

/* Characters beyond ASCII are UTF-8, also where the locale says nothing. */
static void choose_locale(void)
{
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
}

int main(int argc, char **argv)
{
    Arena *mem;
    int    code;

    if (argc > 1 && strcmp(argv[1], "test") == 0)
        return test_main(argc - 1, argv + 1);
    choose_locale();
    interrupt_install();
    if (argc > 1 && strcmp(argv[1], "datagen") == 0)
        return datagen_main(argc - 1, argv + 1);
    mem = arena_new(0);
    code = run_client(mem, argc, argv);
    arena_free(mem);
    return code;
}

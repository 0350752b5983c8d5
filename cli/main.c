/*
 * main.c -- the command `weir`.
 */
#include <stdio.h>
#include <string.h>

#include "cli/exit_code.h"
#include "cli/test.h"

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "test") == 0)
        return test_main(argc - 1, argv + 1);
    return EXIT_CODE_USAGE;
}

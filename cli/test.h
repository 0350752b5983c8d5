/*
 * test.h -- `weir test FILE|FOLDER...`: runs *.test files without a server.
 *
 * Thread: main.
 */
#ifndef CLI_TEST_H
#define CLI_TEST_H

/* argv[0] is "test".  The process's exit code: 0 all passed, 1 one failed, 2 wrong usage. */
int test_main(int argc, char *const *argv);

#endif

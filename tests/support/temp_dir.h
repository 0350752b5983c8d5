/*
 * temp_dir.h -- a directory of a test's own, removed with all that is in it.
 */
#ifndef TESTS_SUPPORT_TEMP_DIR_H
#define TESTS_SUPPORT_TEMP_DIR_H

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/str.h"

static inline const char *temp_dir_make(Arena *mem)
{
    char *path = str_to_c(mem, STR("/tmp/weir-test-XXXXXX"));
    char *made = mkdtemp(path);

    assert(made);
    return made;
}

static inline int temp_dir_unlink(const char *path, const struct stat *info, int kind,
                                  struct FTW *ftw)
{
    (void)info;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline void temp_dir_remove(const char *path)
{
    (void)nftw(path, temp_dir_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

#endif

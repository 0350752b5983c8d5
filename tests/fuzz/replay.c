/*
 * replay.c -- runs a fuzz target over the files of its corpus, in builds without libFuzzer.
 *
 *     replay_utf8 FOLDER
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/arena.h"
#include "common/buf.h"

/* The bytes are given exactly sized on the heap, so that a read past their end is caught. */
static int replay_file(const char *path)
{
    FILE       *file = fopen(path, "rb");
    struct stat info;
    uint8_t    *data;
    size_t      size;

    if (!file || fstat(fileno(file), &info) != 0) {
        (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    size = (size_t)info.st_size;
    data = mem_alloc(size);
    if (fread(data, 1, size, file) != size) {
        (void)fprintf(stderr, "%s: could not read all of it\n", path);
        return 1;
    }
    (void)fclose(file);
    /* Unless the target returns, this line says which input it was. */
    (void)fprintf(stderr, "%s\n", path);
    (void)LLVMFuzzerTestOneInput(data, size);
    mem_free(data);
    return 0;
}

int main(int argc, char **argv)
{
    Arena         *path_mem = arena_new(0);
    const char    *folder = argc == 2 ? argv[1] : "";
    DIR           *dir = opendir(folder);
    struct dirent *entry;
    int            count = 0;
    int            failed = 0;

    if (!dir) {
        (void)fprintf(stderr, "cannot open corpus folder \"%s\": %s\n", folder, strerror(errno));
        arena_free(path_mem);
        return 2;
    }
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        failed += replay_file(str_printf(path_mem, "%s/%s", folder, entry->d_name).ptr);
        count++;
    }
    (void)closedir(dir);
    arena_free(path_mem);
    /* An empty corpus means that the folder was named wrongly. */
    return failed || count == 0;
}

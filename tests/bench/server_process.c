#include "tests/bench/server_process.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

enum { READY_MS_MAX = 20000, STOP_MS_MAX = 20000, ARGUMENTS_MAX = 32 };

void bench_die(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

/* --- directories ------------------------------------------------------------------------------ */

const char *bench_dir_new(void)
{
    static char path[64];
    const char *tmp = getenv("TMPDIR");

    snprintf(path, sizeof path, "%.40s/weir-bench-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(path))
        bench_die(path, strerror(errno));
    return path;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void bench_dir_remove(const char *dir)
{
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- the process ------------------------------------------------------------------------------ */

/* Starts argv with its stdout in *out. */
static pid_t spawn(char *const *argv, int *out)
{
    int   ends[2];
    pid_t pid;

    if (pipe(ends) != 0)
        bench_die(argv[0], strerror(errno));
    pid = fork();
    if (pid < 0)
        bench_die(argv[0], strerror(errno));
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    close(ends[1]);
    *out = ends[0];
    return pid;
}

/* Reads up to the end of a line. */
static void read_line(int fd, char *line, size_t size)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    size_t        len = 0;

    while (len + 1 < size && (len == 0 || line[len - 1] != '\n')) {
        ssize_t got;

        if (poll(&poll_fd, 1, READY_MS_MAX) <= 0)
            bench_die("weir-server", "did not say that it is ready");
        got = read(fd, line + len, size - 1 - len);
        if (got <= 0)
            bench_die("weir-server", "ended before it was ready");
        len += (size_t)got;
    }
    line[len] = '\0';
}

/* Starts the server with more arguments, up to a NULL. */
static void start_server(ServerProcess *server, const char *program, const char *data_dir,
                         const char *const *more)
{
    const char *argv[ARGUMENTS_MAX] = {
        program,  "-o",    "listeners=http://127.0.0.1:0", "-o", "weir.log.level=error",
        "--data", data_dir};
    char   line[256];
    double began = bench_now_s();
    int    out;

    for (size_t i = 7; *more && i < ARGUMENTS_MAX - 1; i++)
        argv[i] = *more++;
    server->pid = spawn((char *const *)argv, &out);
    read_line(out, line, sizeof line);
    server->ready_ms = (bench_now_s() - began) * 1000;
    close(out);
    if (sscanf(line, "ready on http://127.0.0.1:%d in", &server->port) != 1)
        bench_die("weir-server said", line);
}

void server_process_start(ServerProcess *server, const char *program, const char *data_dir,
                          const char *queries_file)
{
    const char *more[] = {queries_file ? "--queries" : NULL, queries_file, NULL};

    start_server(server, program, data_dir, more);
}

void server_process_start_with(ServerProcess *server, const char *program, const char *data_dir,
                               const char *const *settings)
{
    const char *more[ARGUMENTS_MAX] = {NULL};

    for (size_t i = 0; *settings && i + 2 < ARGUMENTS_MAX; i += 2) {
        more[i] = "-o";
        more[i + 1] = *settings++;
    }
    start_server(server, program, data_dir, more);
}

void server_process_stop(ServerProcess *server)
{
    kill(server->pid, SIGTERM);
    for (int i = 0; i < STOP_MS_MAX; i++) {
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
            return;
        usleep(1000);
    }
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    bench_die("weir-server", "did not end on SIGTERM");
}

/* A line of /proc/PID/status, in MB. */
static double status_mb(const ServerProcess *server, const char *format)
{
    char  path[64], line[256];
    long  kb = 0;
    FILE *status;

    snprintf(path, sizeof path, "/proc/%d/status", (int)server->pid);
    status = fopen(path, "r");
    if (!status)
        bench_die(path, strerror(errno));
    while (fgets(line, sizeof line, status)) {
        if (strncmp(line, format, strlen(format)) == 0)
            kb = strtol(line + strlen(format), NULL, 10);
    }
    fclose(status);
    return (double)kb / 1024;
}

double server_process_rss_mb(const ServerProcess *server)
{
    return status_mb(server, "VmRSS:");
}

double server_process_peak_mb(const ServerProcess *server)
{
    return status_mb(server, "VmHWM:");
}

double server_process_cpu_s(const ServerProcess *server)
{
    char          path[64], line[1024] = "";
    const char   *at;
    unsigned long user = 0, system = 0;
    FILE         *stat;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)server->pid);
    stat = fopen(path, "r");
    if (!stat || !fgets(line, sizeof line, stat))
        bench_die(path, strerror(errno));
    fclose(stat);
    at = strrchr(line, ')'); /* the name in front may hold anything */
    if (!at ||
        sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        bench_die(path, "unexpected text");
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* Entries of a directory of /proc/PID whose link begins so; NULL: all. */
static int count_entries(const ServerProcess *server, const char *name, const char *link)
{
    char           path[64], to[64];
    struct dirent *entry;
    DIR           *dir;
    int            count = 0;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)server->pid, name);
    dir = opendir(path);
    if (!dir)
        bench_die(path, strerror(errno));
    while ((entry = readdir(dir))) {
        ssize_t len = link ? readlinkat(dirfd(dir), entry->d_name, to, sizeof to - 1) : 0;

        if (entry->d_name[0] == '.' || len < 0)
            continue;
        to[len] = '\0';
        count += !link || strncmp(to, link, strlen(link)) == 0;
    }
    closedir(dir);
    return count;
}

int server_process_threads(const ServerProcess *server)
{
    return count_entries(server, "task", NULL);
}

int server_process_sockets(const ServerProcess *server)
{
    return count_entries(server, "fd", "socket:");
}

double server_process_version_ms(const char *program)
{
    const char *argv[] = {program, "--version", NULL};
    char        line[256];
    double      began = bench_now_s();
    int         out;
    pid_t       pid = spawn((char *const *)argv, &out);

    read_line(out, line, sizeof line);
    waitpid(pid, NULL, 0);
    close(out);
    return (bench_now_s() - began) * 1000;
}

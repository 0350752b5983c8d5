/*
 * server_process.h -- a weir-server of the bench's own, on 127.0.0.1 and a free port.
 *
 * It dies with the bench.  A failure of any of these functions ends the bench with a message.
 */
#ifndef TESTS_BENCH_SERVER_PROCESS_H
#define TESTS_BENCH_SERVER_PROCESS_H

#include <sys/types.h>

typedef struct ServerProcess {
    pid_t  pid;
    int    port;
    double ready_ms; /* from fork() to the line that says ready */
} ServerProcess;

/* queries_file may be NULL. */
void server_process_start(ServerProcess *server, const char *program, const char *data_dir,
                          const char *queries_file);
/* With settings, NAME=VALUE, up to a NULL. */
void server_process_start_with(ServerProcess *server, const char *program, const char *data_dir,
                               const char *const *settings);
void server_process_stop(ServerProcess *server);
/* Resident memory in MB. */
double server_process_rss_mb(const ServerProcess *server);
/* The most of it so far; core time it used, in seconds; its threads and its sockets. */
double server_process_peak_mb(const ServerProcess *server);
double server_process_cpu_s(const ServerProcess *server);
int    server_process_threads(const ServerProcess *server);
int    server_process_sockets(const ServerProcess *server);
/* One run of the program that only prints its version: what a process costs here, in ms. */
double server_process_version_ms(const char *program);

/* A new empty directory; its path stays valid until the next call.  And its end. */
const char *bench_dir_new(void);
void        bench_dir_remove(const char *dir);

/* Says what and ends the program. */
void bench_die(const char *what, const char *why) __attribute__((noreturn));

#endif

"""Queries come and go while records flow: those that stay are exact, and nothing is left behind.

usage: test_churn.py SERVER ROUNDS QUERIES [SEED [OPTION...]]

The options are the server's.

Some queries stay.  In each round threads make, replace, pause, resume, terminate and drop others on
the same topics, DELETE TOPIC included, and open push queries, PRINT and pull queries that they
leave abruptly.  Meanwhile so many QUERIES on one topic are made and dropped.  After each round the
server has as many threads, open files and queries as before, and after all of them hardly more
memory; it ends within seconds.
"""
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import cluster
import workload

BURST, PAUSE_SECONDS = 100, 0.2  # 500 records a second
STATEMENTS_MAX = 5               # of one request
LIVES = 6                        # of queries, in a round of each thread that makes them
END_SECONDS = 10
GROWTH_MAX_KB = 40000            # of memory, after the first rounds

KINDS = {
    'stream': "STREAM {name} AS SELECT k, v FROM src WHERE v % 3 = {number} % 3",
    'table': "TABLE {name} AS SELECT k, COUNT(*) AS n FROM src GROUP BY k",
    'exchange': "TABLE {name} AS SELECT g, SUM(v) AS total FROM src GROUP BY g",
    'chained': "STREAM {name} AS SELECT k, v FROM even WHERE v % 4 = 0",
}


class Feeder:
    """Loads the source all the time; stop() tells how many records that were."""

    def __init__(self, work):
        self.work, self.count, self.is_over = work, 0, False
        self.client = subprocess.Popen(
            ['node', os.path.join(cluster.HERE, 'client.js'), work.kafka.address, 'load',
             work.source],
            env=dict(os.environ, NODE_PATH=work.kafka.modules, BATCH_RECORDS=str(BURST)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.is_over:
            for record in self.work.records(range(self.count, self.count + BURST)):
                self.client.stdin.write(json.dumps(record) + '\n')
            self.client.stdin.flush()
            self.count += BURST
            time.sleep(PAUSE_SECONDS)

    def stop(self):
        self.is_over = True
        self.thread.join()
        out, _ = self.client.communicate(timeout=cluster.SECONDS_MAX)
        cluster.expect('records taken', int(out), self.count)
        return self.count


class Churn:
    """One round: threads that stop at the first failure of any of them."""

    def __init__(self, server, number, queries, seed):
        self.server, self.number, self.queries = server, number, queries
        self.failure, self.makers = None, 0
        self.names = ['even', 'counts']  # of what can be read
        self.seed = seed

    def run(self):
        jobs = [(self._lives, True)] * 2 + [(self._many, True)] + [(self._read, False)] * 3
        threads = []
        self.makers = sum(is_maker for _, is_maker in jobs)
        for index, (job, is_maker) in enumerate(jobs):
            rng = random.Random('%d/%d/%d' % (self.seed, self.number, index))
            threads.append(threading.Thread(target=self._guard, args=(job, is_maker, index, rng)))
            threads[-1].start()
        for thread in threads:
            thread.join()
        if self.failure:
            raise self.failure

    def _guard(self, job, is_maker, index, rng):
        try:
            job(index, rng)
        except Exception as error:  # told by run(), with the thread's place in its traceback
            self.failure = self.failure or error
        finally:
            self.makers -= is_maker

    def sql(self, text):
        if self.failure:
            raise self.failure
        return self.server.sql(text)

    # --- makers ---

    def _lives(self, index, rng):
        for life in range(LIVES):
            kind = rng.choice(sorted(KINDS))
            name = 'c%d_%d_%d' % (index, self.number, life)
            what = KINDS[kind].format(name=name, number=life)
            made = self.sql('CREATE %s;' % what)
            query = made[0]['commandStatus']['queryId']
            self.names.append(name)
            for _ in range(rng.randrange(4)):
                self._disturb(rng, name, what, query)
            self._end(rng, name, kind, query)

    def _disturb(self, rng, name, what, query):
        deed = rng.choice(['pause', 'replace', 'child', 'insert', 'look'])
        if deed == 'pause':
            self.sql('PAUSE %s;' % query)
            self.sql('RESUME %s;' % query)
        elif deed == 'replace' and 'STREAM' in what:
            self.sql('CREATE OR REPLACE %s;' % what.replace(' = ', ' <> '))
        elif deed == 'child' and 'STREAM' in what:
            self.sql('CREATE STREAM %s_child AS SELECT * FROM %s;' % (name, name))
            self.sql('DROP STREAM %s_child DELETE TOPIC;' % name)
        elif deed == 'look':
            self.sql('DESCRIBE %s EXTENDED; EXPLAIN %s; SHOW QUERIES;' % (name, query))
        else:
            self.sql("INSERT INTO other VALUES ('x', 1);")

    def _end(self, rng, name, kind, query):
        word = 'TABLE' if KINDS[kind].startswith('TABLE') else 'STREAM'
        if rng.random() < 0.3:
            self.sql('TERMINATE %s;' % query)
        self.sql('DROP %s %s DELETE TOPIC;' % (word, name))
        self.names.remove(name)

    def _many(self, index, _):
        """Many queries on one topic, each dropped with its topic while records flow."""
        names = ['m%d_%d_%d' % (index, self.number, i) for i in range(self.queries)]
        for first in range(0, len(names), STATEMENTS_MAX):
            self.sql(' '.join(
                "CREATE STREAM %s WITH (partitions=1) AS SELECT k, v FROM src WHERE v %% 50 = 0;" %
                name for name in names[first:first + STATEMENTS_MAX]))
        for name in names:
            self.sql('DROP STREAM %s DELETE TOPIC;' % name)

    # --- readers ---

    def _read(self, _, rng):
        while self.makers and not self.failure:
            name = rng.choice(self.names)
            sql = rng.choice([
                'SELECT * FROM %s EMIT CHANGES;' % name,
                'SELECT k, COUNT(*) AS n FROM src GROUP BY k EMIT CHANGES;',
                'SELECT * FROM src WHERE v > 10 EMIT CHANGES LIMIT 5;',
                'SELECT * FROM %s;' % name,
                'SELECT * FROM counts;',
                'PRINT `%s` FROM BEGINNING;' % self.server.source])
            self._leave_abruptly(rng, sql)
            self.server.get(rng.choice(['/healthcheck', '/status', '/info']))

    def _leave_abruptly(self, rng, sql):
        """What was asked for may have been dropped; the answer does not matter."""
        with self.server.connect() as sock:
            sock.sendall(cluster.weir.request(
                'POST', '/query-stream', json.dumps({
                    'sql': sql,
                    'properties': {
                        'auto.offset.reset': rng.choice(['earliest', 'latest']),
                        'weir.read.your.writes': rng.choice(['true', 'false'])},
                }).encode()))
            sock.settimeout(0.5)
            try:
                for _ in range(rng.randrange(20)):
                    if not sock.recv(rng.choice([10, 1000, 65536])):
                        break
            except (socket.timeout, ConnectionResetError):
                pass
            if rng.random() < 0.5:  # by a reset
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


# --- what is left behind ---

def figures_of(server):
    folder = '/proc/%d/' % server.process.pid
    return {'threads': len(os.listdir(folder + 'task')), 'files': len(os.listdir(folder + 'fd')),
            'queries': len(server.running())}


def await_figures(server, limits):
    """Consumers and idle files end some time after what used them."""
    found = {}

    def is_within():
        found.update(figures_of(server))
        return all(found[name] <= limit for name, limit in limits.items())
    try:
        cluster.eventually('back', is_within, 60)
    except AssertionError:
        raise AssertionError('left behind: %s, allowed: %s' % (found, limits)) from None
    return found


def stop_within(server, seconds):
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    try:
        code = server.process.wait(cluster.SECONDS_MAX)
    except subprocess.TimeoutExpired:
        raise AssertionError('the server does not end: ' + server.log_text()) from None
    cluster.expect('exit code', code, 0)
    if time.monotonic() - began > seconds:
        raise AssertionError('the end took %.1f s' % (time.monotonic() - began))


def run(server, work, rounds, queries, seed):
    server.sql(work.statements())
    server.sql("CREATE STREAM other (k STRING KEY, v BIGINT) WITH (kafka_topic='%sother', "
               "partitions=3, value_format='JSON');" % work.prefix)
    server.source = work.source
    cluster.eventually('rows', lambda: server.rows('SELECT * FROM counts;'))
    found, memory = figures_of(server), []
    limits = {'queries': 4, 'threads': found['threads'] + 2, 'files': found['files'] + 8}
    for number in range(rounds):
        began = time.monotonic()
        Churn(server, number, queries, seed).run()
        found = await_figures(server, limits)
        memory.append(cluster.weir.memory_kb(server.process))
        print('  round %d, %.0f s: %s, %d kB' % (number, time.monotonic() - began, found,
                                                 memory[-1]), flush=True)
    if 'does not end' in server.log_text():
        raise AssertionError('a consumer read a topic that was deleted')
    if not cluster.weir.IS_SANITIZED and len(memory) > 3 and \
            memory[-1] > max(memory[1:3]) + GROWTH_MAX_KB:
        raise AssertionError('memory grows: %s kB' % memory)


def main():
    cluster.weir.BINARY, *numbers = sys.argv[1:5]
    cluster.weir.SECONDS_MAX = cluster.SECONDS_MAX  # statements wait for those of other threads
    rounds, queries, *seeds = map(int, numbers)
    seed = seeds[0] if seeds else int.from_bytes(os.urandom(4), 'big')
    print('seed %d' % seed, flush=True)
    work = workload.Workload(cluster.Cluster(), 'churn', 0)
    work.create()
    with cluster.Server(work.kafka, work.service, *sys.argv[5:]) as server:
        feeder = Feeder(work)
        try:
            run(server, work, rounds, queries, seed)
        except (AssertionError, OSError, EOFError, ValueError) as error:
            code = server.process.poll()
            raise AssertionError('%s; exit code %s: %s' % (
                error, code, server.log_text()[-20000:])) from error
        finally:
            work.count = feeder.stop()
        work.note_input()
        work.check()
        stop_within(server, END_SECONDS if not cluster.weir.IS_SANITIZED else 3 * END_SECONDS)
    print('%d rounds of %d queries and others, %d records: output as computed' % (
        rounds, queries, work.count), flush=True)


if __name__ == '__main__':
    main()

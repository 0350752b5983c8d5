"""Exactly once, whatever dies: what the sinks hold equals what is computed again from the input.

usage: test_kill.py restart RECORDS
       test_kill.py random RECORDS KILLS [SEED]
       test_kill.py points RECORDS TIMES
       test_kill.py state RECORDS

restart: the output of an undisturbed server, of one that was restarted in order half-way, and of
one that was killed there is the same.  random: kill -9 while a transaction is open, which is
looked up in the cluster after each kill.  points: kill -9 inside of the engine, before or after
the call that a point names.  state: killed, and started without its state files, or with files too
old to be caught up.
"""
import contextlib
import glob
import os
import random
import signal
import sqlite3
import sys
import time

import cluster
import workload

OPTIONS = ('-o', 'commit.interval.ms=20', '-o', 'weir.limit.chunk.queue.bytes=65536')

# Which call the process dies before or after, the first and the last that it may be; a little
# chance, so that it is not always the first epoch after a start.  A start commits once by itself.
POINTS = {
    'during output': ('append_output:kill_before:%d', 1, 8),
    'after output': ('append_output:kill_after:%d', 1, 8),
    'after the changelog': ('append_changelog:kill_after:%d', 1, 8),
    'before the positions': ('append_positions:kill_before:%d', 1, 2),
    'after the positions': ('append_positions:kill_after:%d', 1, 2),
    'before the commit': ('txn_commit:kill_before:%d', 2, 3),
    'after the commit': ('txn_commit:kill_after:%d', 2, 3),
    'during a flush': ('sqlite_write:kill_before:%d', 1, 60),
}
COMMAND_POINTS = {
    'before a command is written': 'produce:kill_before:1',
    'after a command is written': 'produce:kill_after:1',
}
IS_TIME = "CAST(key AS TEXT) = 'time'"  # the row of a state file that says how old it is


def await_half(work):
    """Until the sinks hold something, and not all."""
    cluster.eventually('progress', lambda: work.progress() > 0, pause=0.001)
    if work.left() <= 0:
        raise AssertionError('the work was done before anything could happen')


def run_straight(work, server):
    server.sql(work.statements())


def run_restarted(work, server):
    server.sql(work.statements())
    await_half(work)
    cluster.expect('exit code', server.restart(), 0)


def run_killed(work, server):
    server.sql(work.statements())
    await_half(work)
    server.kill()
    server.start()


def test_restart(kafka, count):
    outputs = {}
    for run in (run_straight, run_restarted, run_killed):
        name = run.__name__
        work = workload.Workload(kafka, name, count)
        work.load()
        with_times = {p: [(k, row) for k, _, row in rows] for p, rows in work.input.items()}
        with cluster.Server(kafka, work.service, *OPTIONS) as server:
            run(work, server)
            found = work.check()
            cluster.expect('exit code', server.stop(), 0)
        outputs[name] = with_times, {name: {p: [(k, v) for k, v, _ in rows]
                                              for p, rows in parts.items()}
                                       for name, parts in found.items()}
        print('%s: %d records in, output as computed' % (name, count), flush=True)
    first, *others = outputs.values()
    for other in others:
        cluster.expect('output', other == first, True)


def await_under_work(work, what, is_true):
    """Waits while there is work; is the machine so slow that it ends, there comes more."""
    def is_true_or_more():
        if is_true():
            return True
        if work.left() <= 0:
            work.load_more()
        return False
    cluster.eventually(what, is_true_or_more, pause=0.001)


def kill_in_flight(work, server, left):
    """Kills while a transaction is open; whether the cluster shows that it was."""
    before = work.progress()
    await_under_work(work, 'a new epoch', lambda: work.progress() > before)
    time.sleep(random.uniform(0, 0.03))
    open_by = time.monotonic() + 1
    while work.kafka.open_records(work.sinks) <= 0 and time.monotonic() < open_by:
        continue
    server.kill()
    is_open = work.kafka.open_records(work.sinks) > 0
    print('  %d left: %d of %d records committed, %s' % (
        left, work.progress(), work.total,
        'a transaction open' if is_open else 'none open: not counted'), flush=True)
    return is_open


def test_random(kafka, count, kills, seed=None):
    began = time.monotonic()
    seed = seed if seed is not None else int.from_bytes(os.urandom(4), 'big')
    random.seed(seed)
    print('seed %d' % seed, flush=True)
    work = workload.Workload(kafka, 'random', count)
    work.load()
    left = kills
    with cluster.Server(kafka, work.service, *OPTIONS) as server:
        server.sql(work.statements())
        while left > 0:
            left -= kill_in_flight(work, server, left)
            server.start()
        work.check()
        cluster.expect('exit code', server.stop(), 0)
    print('%d records, %d kills in flight, %.0f s: output as computed' % (
        work.count, kills, time.monotonic() - began), flush=True)


def start_doomed(server, fault):
    """Starts a server that kills itself, maybe before it is ready."""
    os.environ['WEIR_FAULT'] = fault
    try:
        server.start()
    except AssertionError:
        if server.process.wait(10) != -signal.SIGKILL:
            raise
    finally:
        del os.environ['WEIR_FAULT']


def test_faults(kafka, title, count, faults):
    """Each kill is an epoch later than the one before, so that all of them find work."""
    work = workload.Workload(kafka, title.replace(' ', '-'), count)
    work.load()
    with cluster.Server(kafka, work.service, *OPTIONS) as server:
        server.sql(work.statements())
        for fault, first, last in faults:
            server.kill()
            start_doomed(server, fault % random.randint(first, last))
            await_under_work(work, 'a kill by ' + fault, lambda: not server.is_alive())
        server.kill()
        server.start()
        work.check()
        cluster.expect('exit code', server.stop(), 0)
    print('%d records, %d kills %s: output as computed' % (work.count, len(faults), title),
          flush=True)


def test_command(kafka, name, times):
    """A statement whose writer died is in force or it is not; the next ones work."""
    fault = COMMAND_POINTS[name]
    prefix = '%s-%d-' % (name.replace(' ', '-'), os.getpid())
    kafka.create(**{prefix + 'in': 1})
    with cluster.Server(kafka, prefix.replace('-', '_')) as server:
        server.sql("CREATE STREAM src (v INT) WITH (kafka_topic='%sin', value_format='JSON');" %
                   prefix)
        for number in range(times):
            sql = "CREATE STREAM s%d WITH (kafka_topic='%ss%d') AS SELECT * FROM src;" % (
                number, prefix, number)
            server.kill()
            start_doomed(server, fault)
            try:
                server.sql(sql)
                raise AssertionError('the statement was acknowledged')
            except (OSError, EOFError):
                pass
            server.kill()
            server.start()
            names = {s['name'] for s in server.sql('SHOW STREAMS;')[0]['streams']}
            cluster.expect('s%d exists' % number, 'S%d' % number in names, 'after' in name)
            if 'S%d' % number not in names:
                server.sql(sql)
            cluster.expect('queries', len(server.running()), number + 1)
        cluster.expect('exit code', server.stop(), 0)
    print('killed %d times %s: as acknowledged' % (times, name), flush=True)


def test_points(kafka, count, times):
    if times == 1:
        test_faults(kafka, 'at as many points', count, list(POINTS.values()))
    else:
        for name, fault in POINTS.items():
            test_faults(kafka, name, count, [fault] * times)
    for name in COMMAND_POINTS:
        test_command(kafka, name, times)


def state_files(server):
    return glob.glob(os.path.join(server.data, '**', 'CTAS_*.db'), recursive=True)


def is_written(name):
    with contextlib.closing(sqlite3.connect('file:%s?mode=ro' % name, uri=True)) as file:
        try:
            return file.execute('SELECT 1 FROM weir_positions WHERE ' + IS_TIME).fetchone()
        except sqlite3.OperationalError:  # it has no tables yet
            return None


def copy_state(server):
    """Name of each state file -> what is in it."""
    copies = {}
    for name in state_files(server):
        with contextlib.closing(sqlite3.connect('file:%s?mode=ro' % name, uri=True)) as file:
            copies[name] = sqlite3.connect(':memory:')
            file.backup(copies[name])
    return copies


def positions(file):
    return dict(file.execute("SELECT key, value FROM weir_positions WHERE NOT " + IS_TIME))


def has_moved(name, copy):
    with contextlib.closing(sqlite3.connect('file:%s?mode=ro' % name, uri=True)) as file:
        return positions(file) != positions(copy)


def lose_state(server, _):
    for name in state_files(server):
        for part in (name, name + '-wal', name + '-shm'):
            if os.path.exists(part):
                os.remove(part)


def make_old(file):
    aged = file.execute("UPDATE weir_positions SET value = x'30' WHERE " + IS_TIME)
    cluster.expect('files aged', aged.rowcount, 1)


def age_state(server, copies):
    """The files are as they were before, and that was in 1970."""
    lose_state(server, copies)
    for name, copy in copies.items():
        make_old(copy)
        copy.commit()
        with contextlib.closing(sqlite3.connect(name)) as file:
            copy.backup(file)


def test_forgotten(kafka, count):
    """Behind an old file the changelog has offsets and no records: tombstones that are gone."""
    work = workload.Workload(kafka, 'forgotten', count)
    work.load()
    with cluster.Server(kafka, work.service, *OPTIONS) as server:
        server.sql(work.statements())
        work.check()
        before = sorted(server.rows('SELECT * FROM counts;'))
        cluster.expect('exit code', server.stop(), 0)
        for name in state_files(server):
            with contextlib.closing(sqlite3.connect(name)) as file, file:
                make_old(file)
        for topic in kafka.topics():
            if topic.startswith('_weir-' + work.service) and topic.endswith('-changelog'):
                kafka.client('load', topic, 'aborted', lines=[
                    {'key': 'k', 'value': 'v', 'partition': p} for p in range(workload.PARTITIONS)])
        server.start()
        cluster.expect('rows', sorted(server.rows('SELECT * FROM counts;')), before)
        cluster.expect('exit code', server.stop(), 0)
        cluster.expect('old files told', server.log_text().count('days old'), 2)
    print('%d records, files that are too old: rebuilt' % work.count, flush=True)


def test_state(kafka, count):
    test_forgotten(kafka, count // 4)
    for change in (age_state, lose_state):
        name = change.__name__
        work = workload.Workload(kafka, name, count)
        work.load()
        with cluster.Server(kafka, work.service, *OPTIONS) as server:
            server.sql(work.statements())
            await_under_work(work, 'state files of both tables', lambda: sum(
                map(bool, map(is_written, state_files(server)))) == 2)
            copies = copy_state(server)
            # A file is written when its epoch is committed: the changelogs are past the copies.
            await_under_work(work, 'later state', lambda: all(
                has_moved(*pair) for pair in copies.items()))
            server.kill()
            change(server, copies)
            server.start()
            work.check()
            cluster.expect('exit code', server.stop(), 0)
            said = 'days old' in server.log_text()
            cluster.expect('the log tells of old files', said, change is age_state)
        print('%s: %d records in, output as computed' % (name, work.count), flush=True)


COMMANDS = {'restart': test_restart, 'random': test_random, 'points': test_points,
            'state': test_state}


def main():
    binary, command, *numbers = sys.argv[1:]
    cluster.weir.BINARY = binary
    COMMANDS[command](cluster.Cluster(), *map(int, numbers))


if __name__ == '__main__':
    main()

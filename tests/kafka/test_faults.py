"""Faults of the cluster and of topics: what comes out stays exact, and what is wrong is said.

usage: test_faults.py SERVER [TEST...]

Each test has topics and a server of its own; in the end the sinks are compared with the input.
"""
import json
import os
import signal
import sys
import time

import cluster
import workload

SMALL_EPOCHS = ('-o', 'commit.interval.ms=20', '-o', 'weir.limit.chunk.queue.bytes=65536')
MANY = 20          # queries, where their number is to make no difference
END_SECONDS = 11   # ten are promised
SAID_SECONDS = 60  # until a fault is told by /healthcheck, and until it is told to be over


def why(server):
    """What /healthcheck says is wrong; empty: nothing."""
    return json.dumps(server.health()) if not server.health()['isHealthy'] else ''


def await_said(server, *words):
    return cluster.eventually('/healthcheck says ' + ' or '.join(words),
                              lambda: any(word in why(server) for word in words), SAID_SECONDS)


def await_healthy(server):
    cluster.eventually('healthy again', lambda: not why(server), SAID_SECONDS)


def under_work(kafka, name, count, disturb):
    """Disturbs the cluster while queries read their backlog; then everything must be there."""
    work = workload.Workload(kafka, name, count)
    work.load()
    with cluster.Server(kafka, work.service, *SMALL_EPOCHS) as server:
        server.sql(work.statements())
        cluster.eventually('progress', lambda: work.progress() > 0, pause=0.01)
        disturb(server)
        await_healthy(server)
        work.check()
        cluster.expect('exit code', server.stop(), 0)


def test_broker_killed(kafka):
    def disturb(server):
        kafka.control('kill')
        await_said(server, 'brokers')
        cluster.expect('the REPL is answered', len(server.running()), 4)
        kafka.control('again')
    under_work(kafka, 'killed', 100000, disturb)


def test_broker_restarted(kafka):
    def disturb(_):
        kafka.control('stop')
        kafka.control('again')
    under_work(kafka, 'restarted', 100000, disturb)


def test_broker_stands_still(kafka):
    def disturb(_):
        kafka.signal(signal.SIGSTOP)
        time.sleep(10)
        kafka.signal(signal.SIGCONT)
    under_work(kafka, 'still', 100000, disturb)


def expect_end(server, *after):
    """By SIGTERM, within the time that docs/server.md promises, and in order."""
    began = time.monotonic()
    cluster.expect('exit code', server.stop(), 0)
    seconds = time.monotonic() - began
    print('  ended in %.1f s %s' % (seconds, ' '.join(map(str, after))), flush=True)
    if seconds > END_SECONDS:
        raise AssertionError('the end took %.1f s' % seconds)


def fail_and_end(kafka, name, fail, mend, seconds):
    """Many queries whose cluster fails in the middle of work; after the next start all is done."""
    work = workload.Workload(kafka, name, 30000)
    work.load()
    data = cluster.scratch()
    try:
        with cluster.Server(kafka, work.service, *SMALL_EPOCHS, data=data) as server:
            source, queries = work.statements().split(';', 1)
            server.sql(source + ';')
            for number in range(MANY):
                server.sql('CREATE TABLE more%d AS SELECT k, COUNT(*) AS n FROM src GROUP BY k;' %
                           number)
            server.sql(queries)
            cluster.eventually('progress', lambda: work.progress() > 0, pause=0.01)
            fail()
            try:
                time.sleep(seconds)
                expect_end(server, 'after', seconds, 's')
            finally:
                mend()
        with cluster.Server(kafka, work.service, data=data) as server:
            work.check()
            expect_end(server)
    finally:
        cluster.remove(data)


def test_end_while_the_cluster_is_away(kafka):
    """At once, and when what was read has been set back: for that it takes a minute."""
    for seconds in (0, 75):
        fail_and_end(kafka, 'gone%d' % seconds, lambda: kafka.control('kill'),
                     lambda: kafka.control('again'), seconds)


def test_end_while_the_cluster_stands_still(kafka):
    for seconds in (0, 8):
        fail_and_end(kafka, 'frozen%d' % seconds, lambda: kafka.signal(signal.SIGSTOP),
                     lambda: kafka.signal(signal.SIGCONT), seconds)


def expect_starting(server):
    """Everybody is told the reason; the server stays."""
    await_said(server, 'check that the brokers of bootstrap.servers run')
    cluster.expect('state', server.health()['serverState'], 'INITIALIZING')
    status, _, body = server.request('POST', '/ksql', b'{"ksql":"SHOW STREAMS;"}')
    cluster.expect('status', status, 503)
    cluster.expect('error code', json.loads(body)['error_code'], 50302)
    if 'bootstrap.servers' not in body.decode():
        raise AssertionError('the answer is: ' + body.decode())


def start_without_broker(kafka, server):
    """The broker is stopped, and comes back when the server has said so."""
    kafka.control('stop')
    try:
        server.begin()
        expect_starting(server)
    finally:
        kafka.control('again')


def test_broker_down_at_start(kafka):
    """The server waits, says so, and goes on by itself: with the file, and with what was there."""
    name = 'down%d' % os.getpid()
    data = cluster.scratch()
    path = os.path.join(data, 'queries.sql')
    with open(path, 'w') as file:
        file.write("CREATE STREAM s (k STRING KEY, v INT) WITH (kafka_topic='%s', partitions=1, "
                   "value_format='JSON'); CREATE TABLE t AS SELECT k, SUM(v) AS total FROM s "
                   "GROUP BY k;" % name)
    server = cluster.Server(kafka, name + '_', '--queries', path, data=data)
    try:
        start_without_broker(kafka, server)
        server.await_ready(SAID_SECONDS)
        server.sql("INSERT INTO s VALUES ('a', 1); INSERT INTO s VALUES ('a', 2);")
        cluster.eventually('a sum', lambda: server.rows('SELECT * FROM t;') == [['a', 3]])
        await_healthy(server)
        cluster.expect('exit code', server.stop(), 0)
    finally:
        server.__exit__()
        cluster.remove(data)


def test_broker_killed_during_the_start(kafka):
    """Wherever the start is: it goes on when the broker is back, and nothing is lost."""
    work = workload.Workload(kafka, 'early', 30000)
    work.load()
    data = cluster.scratch()
    try:
        with cluster.Server(kafka, work.service, data=data) as server:
            server.sql(work.statements())
            work.check()
            cluster.expect('exit code', server.stop(), 0)
        for seconds in (0, 0.2, 0.6):
            # The changelogs are read again.
            cluster.remove(os.path.join(data, 'kafka-' + work.service))
            with cluster.Server(kafka, work.service, data=data, awaits_ready=False) as server:
                time.sleep(seconds)
                kafka.control('kill')
                try:
                    await_said(server, 'brokers')
                finally:
                    kafka.control('again')
                server.await_ready(cluster.SECONDS_MAX)
                cluster.eventually('all run', lambda: len(server.running()) == 4)
                await_healthy(server)
                work.check()
                cluster.expect('exit code', server.stop(), 0)
    finally:
        cluster.remove(data)


def test_foreign_record_in_the_command_topic_stops_the_start(kafka):
    service = 'foreign%d_' % os.getpid()
    with cluster.Server(kafka, service) as server:
        server.sql("CREATE STREAM s (v INT) WITH (kafka_topic='foreign%d', partitions=1, "
                   "value_format='JSON');" % os.getpid())
    kafka.load('_weir-%s-commands' % service, [{'key': 'stream/X/create', 'value': '{"a":1}'}])
    code, _, err = cluster.weir.run('-o', 'bootstrap.servers=' + kafka.address,
                                    '-o', 'ksql.service.id=' + service)
    cluster.expect('exit code', code, 1)
    if 'Weir did not write it' not in err or 'ksql.service.id' not in err:
        raise AssertionError('the start says: ' + err)


def test_existing_topic_of_another_shape_is_refused(kafka):
    topic = 'shape%d' % os.getpid()
    kafka.client('create', topic + '=2')
    with cluster.Server(kafka, 'shape%d_' % os.getpid()) as server:
        for properties in ('partitions=3', 'partitions=2, replicas=3'):
            try:
                server.sql("CREATE STREAM s (v INT) WITH (kafka_topic='%s', value_format='JSON', "
                           "%s);" % (topic, properties))
                raise RuntimeError('%s was accepted' % properties)
            except AssertionError as error:
                if topic not in str(error):
                    raise
        server.sql("CREATE STREAM s (v INT) WITH (kafka_topic='%s', value_format='JSON', "
                   "partitions=2);" % topic)


def test_java_settings_are_refused_with_the_names_to_use(kafka):
    for setting, hint in (('ssl.truststore.location=/t.jks', 'ssl.ca.location'),
                          ('sasl.jaas.config=PlainLoginModule', 'sasl.username'),
                          ('ssl.endpoint.identification.algorithm=', 'none'),
                          ('compression.type=middle-out', 'compression')):
        code, _, err = cluster.weir.run('-o', 'bootstrap.servers=' + kafka.address, '-o', setting)
        cluster.expect('exit code with ' + setting, code, 2)
        if hint not in err:
            raise AssertionError('%s: %s' % (setting, err))


def test_two_servers_with_one_identity(kafka):
    """The older one is fenced and says so; the younger one's output is exact."""
    work = workload.Workload(kafka, 'twins', 100000)
    work.load()
    with cluster.Server(kafka, work.service, *SMALL_EPOCHS) as older:
        older.sql(work.statements())
        cluster.eventually('progress', lambda: work.progress() > 0, pause=0.01)
        with cluster.Server(kafka, work.service, *SMALL_EPOCHS) as younger:
            await_said(older, 'ksql.service.id')
            work.check()
            cluster.expect('the younger one is healthy', why(younger), '')
            cluster.expect('exit code', younger.stop(), 0)


def test_two_servers_with_one_identity_at_least_once(kafka):
    """The older one is told although nothing refuses its records; nothing is missing."""
    options = (*SMALL_EPOCHS, '-o', 'processing.guarantee=at_least_once')
    work = workload.Workload(kafka, 'atleast', 1000)
    work.load()
    sink = work.prefix + 'even'
    with cluster.Server(kafka, work.service, *options) as older:
        older.sql(work.statements())
        with cluster.Server(kafka, work.service, *options) as younger:
            await_said(older, 'taken over')
            even = {row['V'] for rows in work.input.values() for _, _, row in rows
                    if row['V'] % 2 == 0}
            cluster.eventually('all output', lambda: even == {
                json.loads(r['value'])['V'] for r in kafka.read(**{sink: len(even)})[sink]})
            cluster.expect('the younger one is healthy', why(younger), '')


def stops_in_flight(server, work):
    server.process.send_signal(signal.SIGSTOP)
    if work.kafka.open_records(work.sinks) > 0:
        return True
    server.process.send_signal(signal.SIGCONT)
    return False


def test_server_that_stood_still_goes_on(kafka):
    """The cluster ended its transaction meanwhile; nobody else took its place."""
    work = workload.Workload(kafka, 'paused', 100000)
    work.load()
    with cluster.Server(kafka, work.service, *SMALL_EPOCHS) as server:
        server.sql(work.statements())
        cluster.eventually('progress', lambda: work.progress() > 0, pause=0.01)
        cluster.eventually('a stop in a transaction', lambda: stops_in_flight(server, work))
        cluster.eventually('no transaction is open',
                           lambda: kafka.open_records(work.sinks) == 0, 120)
        server.process.send_signal(signal.SIGCONT)
        work.check()
        await_healthy(server)
        cluster.expect('exit code', server.stop(), 0)


def refused(server, statement):
    """What the server says to the statement that it refuses."""
    try:
        server.sql(statement)
    except AssertionError as error:
        return str(error)
    raise RuntimeError('%s was accepted' % statement)


def holds_latest(kafka, work, sink):
    found = cluster.by_partition(kafka.read(**{sink: 1})[sink])
    return all(found.get(p) and json.loads(found[p][-1]['value'])['V'] == rows[-1][2]['V']
               for p, rows in work.input.items())


def check_copy(work, records):
    """Each partition of the sink holds the records of the input, each once."""
    found = cluster.by_partition(records)
    for p, rows in work.input.items():
        got = [json.loads(r['value'])['V'] for r in found[p]]
        if got != [row['V'] for _, _, row in rows]:
            raise AssertionError('sink/%d: %d records instead of %d' % (p, len(got), len(rows)))


def test_server_that_stood_still_is_fenced_with_a_query_set_apart(kafka):
    """Its query broke a transaction and has one of its own, which a younger server ends."""
    work = workload.Workload(kafka, 'zombie', 5000)
    work.load()
    sink = work.prefix + 'sink'
    owner = '_weir-%s-owner' % work.service
    kafka.client('create', sink + '=3')
    with cluster.Server(kafka, work.service, *SMALL_EPOCHS, '-o',
                        'ksql.query.retry.backoff.initial.ms=200', '-o',
                        'ksql.query.retry.backoff.max.ms=200') as older:
        older.sql(work.statements())
        older.sql("CREATE STREAM sink WITH (kafka_topic='%s') AS "
                  "SELECT k, v, LPAD('x', 1000, 'x') AS x FROM src;" % sink)
        cluster.eventually('all of the input', lambda: holds_latest(kafka, work, sink))
        kafka.client('limit', sink + '=300')
        work.load_more()
        cluster.eventually('a group of its own', lambda: any(
            record['key'].startswith('group/') for record in kafka.read(**{owner: 1})[owner]), 60)
        older.process.send_signal(signal.SIGSTOP)
        kafka.client('limit', sink + '=1000000')
        with cluster.Server(kafka, work.service, *SMALL_EPOCHS) as younger:
            work.check()
            cluster.eventually('the rest of the input', lambda: holds_latest(kafka, work, sink))
            older.process.send_signal(signal.SIGCONT)
            await_said(older, 'taken over')
            for statement in ('CREATE STREAM more AS SELECT * FROM src;',
                              "INSERT INTO src (k, g, v) VALUES ('x', 1, 1);"):
                said = refused(older, statement)
                if 'taken over' not in said:
                    raise AssertionError('the older one says: ' + said)
            work.check()
            check_copy(work, kafka.read(**{sink: work.count})[sink])
            cluster.expect('the younger one is healthy', why(younger), '')
            cluster.expect('exit code', older.stop(), 0)
            cluster.expect('exit code', younger.stop(), 0)


def test_one_bad_query_leaves_the_others_alone(kafka):
    """Its records are too large for its sink; the rest is complete and on time."""
    work = workload.Workload(kafka, 'bad', 20000)
    work.load()
    bad = work.prefix + 'bad'
    kafka.client('create', bad + '=3:max.message.bytes=300')
    with cluster.Server(kafka, work.service) as server:
        server.sql(work.statements())
        server.sql("CREATE STREAM bad WITH (kafka_topic='%s') AS "
                   "SELECT k, LPAD('x', 1000, 'x') AS x FROM src;" % bad)
        began = time.monotonic()
        work.check()
        if time.monotonic() - began > 30:
            raise AssertionError('it took %d s' % (time.monotonic() - began))
        states = {q['id']: q['state'] for q in server.sql('SHOW QUERIES;')[0]['queries']}
        cluster.expect('states', sorted(states.values()), ['ERROR:1'] + ['RUNNING:1'] * 4)
        error = json.dumps(server.sql('DESCRIBE bad EXTENDED;')) + server.log_text()
        if 'max.message.bytes' not in error:
            raise AssertionError('nobody says what to do: ' + error)
        cluster.expect('exit code', server.stop(), 0)


def test_sink_deleted_and_made_again(kafka):
    """Its query fails, says so, and goes on by itself; the others do not notice."""
    work = workload.Workload(kafka, 'gone', 50000)
    work.load()
    sink = work.prefix + 'sink'
    kafka.client('create', sink + '=3')
    with cluster.Server(kafka, work.service, *SMALL_EPOCHS, '-o',
                        'ksql.query.retry.backoff.initial.ms=500', '-o',
                        'ksql.query.retry.backoff.max.ms=2000') as server:
        server.sql(work.statements())
        server.sql("CREATE STREAM sink WITH (kafka_topic='%s') AS SELECT k, v FROM src;" % sink)
        kafka.client('delete', sink)
        work.check()
        more = [{'key': 'more', 'value': '{"G":1,"V":1}', 'partition': 0}]
        kafka.load(work.source, more)
        cluster.eventually('an error', lambda: any(
            q['state'] == 'ERROR:1' for q in server.sql('SHOW QUERIES;')[0]['queries']), 90)
        kafka.client('create', sink + '=6')
        cluster.eventually('all run', lambda: all(
            q['state'] == 'RUNNING:1' for q in server.sql('SHOW QUERIES;')[0]['queries']), 90)
        cluster.eventually('the last record', lambda: any(
            record['key'] == 'more' for record in kafka.read(**{sink: 1})[sink]))
        cluster.expect('exit code', server.stop(), 0)


def test_sink_given_partitions(kafka):
    """Its query keeps to those that it had: each key stays where it is."""
    work = workload.Workload(kafka, 'wider', 50000)
    work.load()
    with cluster.Server(kafka, work.service, *SMALL_EPOCHS) as server:
        server.sql(work.statements())
        cluster.eventually('progress', lambda: work.progress() > 0, pause=0.01)
        kafka.client('grow', work.prefix + 'even=6', work.prefix + 'keyed=6')
        work.check()
        cluster.expect('exit code', server.restart(), 0)
        work.load_more()
        work.check()
        cluster.expect('exit code', server.stop(), 0)


def test_source_given_partitions(kafka):
    """Nobody reads them, which is said; source and query created anew read all."""
    topic = 'grown%d' % os.getpid()
    create = ("CREATE STREAM src (k STRING KEY, v INT) WITH (kafka_topic='%s', "
              "value_format='JSON'); CREATE TABLE counts WITH (kafka_topic='%s%s') AS "
              "SELECT v, COUNT(*) AS n FROM src GROUP BY v;")
    kafka.create(**{topic: 2})
    with cluster.Server(kafka, topic + '_') as server:
        server.sql(create % (topic, topic, 'counts'))
        kafka.client('grow', topic + '=4')
        kafka.load(topic, [{'key': 'k', 'value': '{"V":1}', 'partition': p} for p in range(4)])
        warnings = json.dumps(server.sql('SHOW QUERIES;')[0]['warnings'])
        if 'reads 2 of the 4 partitions' not in warnings:
            raise AssertionError('the warnings are ' + warnings)
        server.restart()
        if 'reads the first 2 only' not in server.log_text():
            raise AssertionError('the log does not tell of unread partitions')
        server.sql('DROP TABLE counts; DROP STREAM src;')
        server.sql(create % (topic, topic, 'all'))
        cluster.eventually('a count of all',
                           lambda: server.rows('SELECT * FROM counts;') == [[1, 4]])
        cluster.expect('warnings', server.sql('SHOW QUERIES;')[0]['warnings'], [])


def threads_of(server):
    return len(os.listdir('/proc/%d/task' % server.process.pid))


def test_drop_in_a_loop(kafka):
    with cluster.Server(kafka, 'drop%d_' % os.getpid()) as server:
        server.sql("CREATE STREAM src (k STRING KEY, v INT) WITH "
                   "(kafka_topic='drop%d', partitions=3, value_format='JSON');" % os.getpid())
        server.sql("INSERT INTO src VALUES ('a', 1);")
        counts = []
        for number in range(15):
            server.sql("CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM src GROUP BY k;")
            server.sql("CREATE STREAM u AS SELECT * FROM src; CREATE STREAM w AS SELECT * FROM u;")
            cluster.eventually('rows', lambda: server.rows('SELECT * FROM t;'))
            server.sql('DROP STREAM w DELETE TOPIC; DROP STREAM u DELETE TOPIC;'
                       'DROP TABLE t DELETE TOPIC;')
            counts.append(threads_of(server))
        # A slow machine needs one more consumer at times, which goes when nobody uses it.
        cluster.eventually('threads as in the beginning: %s' % counts,
                           lambda: threads_of(server) <= counts[0] + 2, 60)
        began = time.monotonic()
        cluster.expect('exit code', server.stop(), 0)
        if time.monotonic() - began > 10:
            raise AssertionError('the end took %d s' % (time.monotonic() - began))


def main():
    cluster.weir.BINARY = sys.argv[1]
    kafka = cluster.Cluster()
    tests = [name for name in globals() if name.startswith('test_')]
    failed = []
    for name in sys.argv[2:] or tests:
        began = time.monotonic()
        try:
            globals()[name](kafka)
            result = 'ok'
        except AssertionError as error:
            failed.append(name)
            result = 'FAILED: %s' % error
        print('%s: %s, %.0f s' % (name[5:].replace('_', ' '), result, time.monotonic() - began),
              flush=True)
    sys.exit(bool(failed))


if __name__ == '__main__':
    main()

"""What is said of a cluster that is slow, away or refuses, and of topics that lose records.

usage: test_said.py SERVER [TEST...]

Each test has topics and a server of its own.
"""
import json
import os
import signal
import struct
import subprocess
import sys
import time

import cluster

SAID_SECONDS = 60  # until something is said, and until it is no more
ANSWER_SECONDS = 25  # in which a statement is refused when the cluster is away
SOON = ('-o', 'ksql.query.retry.backoff.initial.ms=500', '-o',
        'ksql.query.retry.backoff.max.ms=2000')


def server_on(kafka, name):
    """Topics of the test begin with the name too."""
    return cluster.Server(kafka, name + '_', *SOON)


def prefix(name):
    return '%s%d' % (name, os.getpid())


def warnings(server, sql='SHOW QUERIES;'):
    """Of the statement's last entity."""
    return ' '.join(w['message'] for w in server.sql(sql)[-1]['warnings'])


def repl(server, sql):
    """What the command line shows."""
    weir = os.path.join(os.path.dirname(cluster.weir.BINARY), 'weir')
    return subprocess.run([weir, 'http://127.0.0.1:%d' % server.port, '-e', sql],
                          capture_output=True, text=True, timeout=SAID_SECONDS).stdout


def states(server):
    return sorted(query['state'] for query in server.sql('SHOW QUERIES;')[0]['queries'])


def message(server):
    return server.health()['details']['kafka'].get('message', '')


def await_in(what, tell, *words):
    return cluster.eventually('%s says %s' % (what, ', '.join(words)),
                              lambda: all(word in tell() for word in words), SAID_SECONDS)


def expect_in(text, *words):
    for word in words:
        if word not in text:
            raise AssertionError('%r is not in: %s' % (word, text))


def expect_refused(server, sql, *words):
    began = time.monotonic()
    try:
        server.sql(sql)
    except AssertionError as error:
        expect_in(str(error), *words)
    else:
        raise AssertionError('%s was accepted' % sql)
    if time.monotonic() - began > ANSWER_SECONDS:
        raise AssertionError('%s took %d s' % (sql, time.monotonic() - began))


def set_quota(kafka, client, name, value):
    """AlterClientQuotas; value None: no quota any more."""
    def text(word):
        return struct.pack('>h', len(word)) + word.encode()
    body = struct.pack('>ii', 1, 1) + text('client-id') + text(client) + struct.pack('>i', 1)
    body += text(name) + struct.pack('>d?', value or 0, value is None) + b'\0'
    for answer in kafka._ask_all(49, 0, body):
        # throttle time, count, then the entity's error code
        cluster.expect('quota', struct.unpack_from('>h', answer, 8)[0], 0)


def test_quotas_are_told_and_end(kafka):
    name = prefix('quota')
    with cluster.Server(kafka, name + '_', '-o', 'client.id=' + name) as server:
        server.sql("CREATE STREAM src (k STRING KEY, v STRING) WITH (kafka_topic='%s', "
                   "partitions=1, value_format='JSON');"
                   "CREATE STREAM out WITH (kafka_topic='%s_out') AS SELECT * FROM src;"
                   % (name, name))
        set_quota(kafka, name, 'producer_byte_rate', 2000)
        cluster.expect('before', message(server), '')
        kafka.load(name, [{'key': 'k', 'value': json.dumps({'V': 'x' * 2000})}] * 20)
        await_in('/healthcheck', lambda: message(server), 'quota', 'producer_byte_rate',
                 'client id "%s"' % name)
        cluster.expect('still healthy', server.health()['isHealthy'], True)
        expect_in(warnings(server), 'producer_byte_rate')
        expect_in(repl(server, 'SHOW QUERIES;'), 'WARNING: Kafka slows writing down')
        expect_in(server.log_text(), 'producer_byte_rate')
        set_quota(kafka, name, 'producer_byte_rate', None)
        cluster.expect('output', len(kafka.read(**{name + '_out': 20})[name + '_out']), 20)
        cluster.eventually('the end of it', lambda: not message(server), SAID_SECONDS)
        cluster.expect('warnings', warnings(server), '')
        cluster.expect('exit code', server.stop(), 0)


def test_broker_stands_still(kafka):
    """Statements are refused soon, and work goes on when it moves again."""
    name = prefix('stall')
    with server_on(kafka, name) as server:
        server.sql("CREATE STREAM src (k STRING KEY, v INT) WITH (kafka_topic='%s', "
                   "partitions=1, value_format='JSON');"
                   "CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM src GROUP BY k;"
                   "INSERT INTO src VALUES ('a', 1);" % name)
        cluster.eventually('a row', lambda: server.rows('SELECT * FROM t;'))
        kafka.signal(signal.SIGSTOP)
        try:
            await_in('/healthcheck', lambda: message(server), 'answer', 'check that the brokers')
            expect_in(warnings(server), 'answer', 'check that the brokers')
            for sql in ('SHOW TOPICS;', "CREATE STREAM s (v INT) WITH (kafka_topic='%s_s', "
                        "partitions=1, value_format='JSON');" % name, 'DROP TABLE t;'):
                expect_refused(server, sql, 'no broker', 'check that the brokers')
            server.sql('DESCRIBE src EXTENDED;')
            cluster.expect('pull', server.rows('SELECT * FROM t;'), [['a', 1]])
        finally:
            kafka.signal(signal.SIGCONT)
        cluster.eventually('healthy', lambda: server.health()['isHealthy'], SAID_SECONDS)
        server.sql("INSERT INTO src VALUES ('a', 2);")
        cluster.eventually('the next row', lambda: server.rows('SELECT * FROM t;') == [['a', 2]])
        cluster.expect('warnings', warnings(server), '')
        cluster.expect('exit code', server.stop(), 0)


def test_refused_sizes_are_told_where_people_look(kafka):
    name = prefix('size')
    kafka.client('create', name + '=1', name + '_out=1:max.message.bytes=300')
    with server_on(kafka, name) as server:
        server.sql("CREATE STREAM src (k STRING KEY, v INT) WITH (kafka_topic='%s', "
                   "value_format='JSON');"
                   "CREATE STREAM out WITH (kafka_topic='%s_out') AS "
                   "SELECT k, LPAD('x', 1000, 'x') AS x FROM src;"
                   "INSERT INTO src VALUES ('a', 1);" % (name, name))
        await_in('SHOW QUERIES', lambda: warnings(server), 'max.message.bytes', name + '_out')
        query, = server.sql('SHOW QUERIES;')[0]['queries']
        cluster.expect('state', query['statusCount'], {'ERROR': 1})
        for sql in ('SHOW QUERIES;', 'EXPLAIN %s;' % query['id'], 'DESCRIBE out EXTENDED;'):
            expect_in(repl(server, sql), 'max.message.bytes')
        error, = server.sql('EXPLAIN %s;' % query['id'])[0]['queryDescription']['queryErrors']
        cluster.expect('type', error['type'], 'USER')
        expect_in(server.log_text(), 'max.message.bytes')
        cluster.expect('exit code', server.stop(), 0)


def test_refused_records_leave_the_others_alone(kafka):
    """A time in the future and a missing key, where topics do not take them; `*_far` is Weir's."""
    name = prefix('kind')
    kafka.client('create', name + '=1', name + '_soon=1:message.timestamp.after.max.ms=3600000',
                 name + '_compact=1:cleanup.policy=compact')
    with server_on(kafka, name) as server:
        server.sql("CREATE STREAM src (g STRING, t BIGINT) WITH (kafka_topic='%(n)s', "
                   "value_format='JSON', timestamp='t');"
                   "CREATE TABLE counts WITH (kafka_topic='%(n)s_counts') AS SELECT g, COUNT(*) "
                   "AS n FROM src GROUP BY g;"
                   % {'n': name})
        day_ms = 86_400_000
        times = [int(time.time() * 1000) + days * day_ms for days in (0, 5000, 0)]
        # Kafka 4 refuses times that are far ahead where nothing else is said.
        for sink, most in (('far', times[1]), ('soon', times[1]), ('compact', times[0])):
            server.sql("CREATE STREAM %s WITH (kafka_topic='%s_%s') AS SELECT * FROM src "
                       "WHERE t <= %d;" % (sink, name, sink, most))
        kafka.load(name, [{'key': None, 'value': json.dumps({'G': 'g', 'T': when})}
                          for when in times])
        found = kafka.read(**{name + '_far': 3})[name + '_far']
        cluster.expect('far', [json.loads(record['value'])['T'] for record in found], times)
        cluster.eventually('the table', lambda: b'[3]' in server.request(
            'POST', '/query', b'{"ksql": "SELECT n FROM counts;"}')[2])
        for sink, word in (('soon', 'message.timestamp.after.max.ms'),
                           ('compact', 'without a key')):
            await_in('SHOW QUERIES', lambda: warnings(server), word, '%s_%s' % (name, sink))
        cluster.expect('states', states(server), ['ERROR:1'] * 2 + ['RUNNING:1'] * 2)
        expect_refused(server, "CREATE STREAM i (k STRING KEY, t BIGINT) WITH (kafka_topic="
                       "'%s_soon', value_format='JSON'); INSERT INTO i (ROWTIME, k, t) VALUES "
                       "(%d, 'k', 1);" % (name, times[1]), '400', 'message.timestamp.after.max.ms')
        kafka.client('limit', name + '_compact=1000000')  # the policy is the usual one again
        kafka.read(**{name + '_compact': 2})
        cluster.eventually('it goes on', lambda: states(server).count('RUNNING:1') == 3,
                           SAID_SECONDS)
        cluster.expect('exit code', server.stop(), 0)


def test_positions_are_shown_with_their_group(kafka):
    name = prefix('group')
    with server_on(kafka, name) as server:
        server.sql("CREATE STREAM src (k STRING KEY, v INT) WITH (kafka_topic='%s', "
                   "partitions=1, value_format='JSON');"
                   "CREATE STREAM out WITH (kafka_topic='%s_out') AS SELECT * FROM src;"
                   "INSERT INTO src VALUES ('a', 1);" % (name, name))
        kafka.read(**{name + '_out': 1})
        query, = server.running()
        described = server.sql('DESCRIBE src EXTENDED;')[0]['sourceDescription']
        group = described['queryOffsetSummaries'][0]['groupId']
        cluster.expect('group', group, '_weir-%s_-query_%s' % (name, query))
        explained = server.sql('EXPLAIN %s;' % query)[0]['queryDescription']
        cluster.expect('group of EXPLAIN', explained['consumerGroupId'], group)
        cluster.expect('replication', described['replication'], 1)
        cluster.eventually('the copy', lambda: [
            place['offset'] for place in kafka.client('offsets', group)] == [1], SAID_SECONDS)
        expect_in(repl(server, 'DESCRIBE src EXTENDED;'), group, 'Lag')


def test_topics_that_lose_records_are_warned_of(kafka):
    name = prefix('policy')
    kafka.client('create', name + '_short=1:retention.ms=60000',
                 name + '_compact=1:cleanup.policy=compact',
                 name + '_fine=1:cleanup.policy=compact')
    with server_on(kafka, name) as server:
        server.sql("CREATE STREAM src (k STRING KEY, v INT) WITH (kafka_topic='%s', "
                   "partitions=1, value_format='JSON');" % name)
        table = "CREATE TABLE %s WITH (kafka_topic='%s') AS SELECT k, COUNT(*) AS n FROM src " \
                "GROUP BY k;"
        expect_in(warnings(server, table % ('a', name + '_short')), '60000 ms', 'compact')
        cluster.expect('a compacted table', warnings(server, table % ('b', name + '_fine')), '')
        expect_in(warnings(server, "CREATE STREAM c WITH (kafka_topic='%s_compact') AS "
                           "SELECT * FROM src;" % name), 'is compacted', 'cleanup.policy')
        expect_in(server.log_text(), 'is compacted')


def test_own_topics_that_lose_records_are_refused(kafka):
    name = prefix('own')
    kafka.client('create', '_weir-%s_-positions=1:cleanup.policy=delete' % name)
    code, _, err = cluster.weir.run('-o', 'bootstrap.servers=' + kafka.address,
                                    '-o', 'ksql.service.id=%s_' % name)
    cluster.expect('exit code', code, 2)
    expect_in(err, '_weir-%s_-positions' % name, 'cleanup.policy to compact')


def test_outage_of_more_than_a_minute(kafka):
    """A copy of positions that is under way when the cluster goes must not end the server."""
    name = prefix('outage')
    with server_on(kafka, name) as server:
        server.sql("CREATE STREAM src (k STRING KEY, v INT) WITH (kafka_topic='%s', "
                   "partitions=1, value_format='JSON');"
                   "CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM src GROUP BY k;"
                   "INSERT INTO src VALUES ('a', 1);" % name)
        cluster.eventually('a row', lambda: server.rows('SELECT * FROM t;'))
        kafka.control('kill')
        await_in('/healthcheck', lambda: message(server), 'check that the brokers')
        for sql in ('SHOW TOPICS;', 'CREATE STREAM s AS SELECT * FROM src;'):
            expect_refused(server, sql, 'no broker can be reached', 'bootstrap.servers')
        time.sleep(65)  # what librdkafka waits for an answer, and some
        kafka.control('again')
        cluster.eventually('healthy', lambda: server.health()['isHealthy'], SAID_SECONDS)
        server.sql("INSERT INTO src VALUES ('a', 2);")
        cluster.eventually('the next row', lambda: server.rows('SELECT * FROM t;') == [['a', 2]])
        cluster.expect('exit code', server.stop(), 0)


LONG = [test_broker_stands_still, test_outage_of_more_than_a_minute]


def main():
    """TEST may be `short`: all but those that stop the broker."""
    cluster.weir.BINARY = sys.argv[1]
    kafka = cluster.Cluster()
    tests = [name for name in globals() if name.startswith('test_')]
    names = sys.argv[2:] or tests
    if names == ['short']:
        names = [name for name in tests if globals()[name] not in LONG]
    failed = False
    for name in names:
        began = time.monotonic()
        result = 'ok'
        try:
            globals()[name](kafka)
        except AssertionError as error:
            failed, result = True, 'FAILED: %s' % error
        print('%s: %s, %.0f s' % (name[5:].replace('_', ' '), result, time.monotonic() - began),
              flush=True)
    sys.exit(failed)


if __name__ == '__main__':
    main()

"""TLS, certificates, passwords and rights: they work, and what is wrong is said in plain words.

usage: test_security.py SERVER

Starts a broker of its own.  SCRAM to Kafka 4 needs librdkafka 2.6.1: an older one must say so.
"""
import ctypes
import json
import os
import sys

import cluster

IS_OLD_KAFKA = os.environ.get('WEIR_KAFKA_VERSION', '3').startswith('3')
IS_NEW_CLIENT = ctypes.CDLL('librdkafka.so.1').rd_kafka_version() >= 0x020601ff


def options(*settings):
    return [part for setting in settings for part in ('-o', setting)]


def expect_work(name, address, settings):
    """A statement, an INSERT and its result, over the connection."""
    with cluster.weir.Server(*options('bootstrap.servers=' + address, *settings),
                             *options('ksql.service.id=%s_' % name)) as server:
        server.sql("CREATE TABLE t (k STRING PRIMARY KEY, v INT) WITH (kafka_topic='%s', "
                   "partitions=1, value_format='JSON'); "
                   "SET 'auto.offset.reset'='earliest'; "
                   "CREATE TABLE u AS SELECT * FROM t; INSERT INTO t VALUES ('a', 1);" % name)
        cluster.eventually('a row over %s' % name, lambda: b'"a",1' in server.request(
            'POST', '/query-stream', b'{"sql":"SELECT * FROM u;"}')[2].replace(b' ', b''), 30)
        cluster.expect('exit code', server.stop(), 0)
    print('%s: works' % name, flush=True)


def expect_refusal(name, address, settings, *words):
    code, _, err = cluster.weir.run(*options('bootstrap.servers=' + address, *settings),
                                    '--data', cluster.scratch())
    if code == 0 or not all(word in err for word in words):
        raise AssertionError('%s: exit code %d, %s' % (name, code, err))
    print('%s: said' % name, flush=True)


def expect_rights(kafka, address, settings):
    """A topic closed to the server's user: what uses it says so, and goes on when it is opened."""
    kafka.create(rights_in='1', rights_out='1', rights_other='1')
    kafka.client('seal', 'rights_other')
    with cluster.weir.Server(*options('bootstrap.servers=' + address, *settings),
                             *options('ksql.service.id=rights_', 'auto.offset.reset=earliest',
                                      'ksql.query.retry.backoff.initial.ms=500',
                                      'ksql.query.retry.backoff.max.ms=2000')) as server:
        server.sql("CREATE STREAM src (v INT) WITH (kafka_topic='rights_in', value_format='JSON');"
                   "CREATE STREAM out WITH (kafka_topic='rights_out') AS SELECT * FROM src;"
                   "INSERT INTO src VALUES (1);")
        cluster.expect('before', len(kafka.read(rights_out=1)['rights_out']), 1)
        try:
            server.sql("CREATE STREAM other (v INT) WITH (kafka_topic='rights_other', "
                       "value_format='JSON');")
            raise RuntimeError('a closed topic was accepted')
        except AssertionError as error:
            if not str(error).startswith('403') or 'right to the topic' not in str(error):
                raise
        query, = server.running()
        kafka.client('seal', 'rights_out')
        server.sql('INSERT INTO src VALUES (2);')
        cluster.eventually('the query says what it lacks', lambda: 'right to the topic' in str(
            server.sql('EXPLAIN %s;' % query)), 60)
        cluster.expect('state', server.sql('SHOW QUERIES;')[0]['queries'][0]['state'], 'ERROR:1')
        kafka.client('unseal', 'rights_out')
        cluster.eventually('it goes on', server.running, 60)
        cluster.expect('after', len(kafka.read(rights_out=2)['rights_out']), 2)
        expect_mute(kafka, server)
        cluster.expect('exit code', server.stop(), 0)
    print('rights: said', flush=True)


def expect_mute(kafka, server):
    """A query whose sink may be read but not written does not hold up the others."""
    kafka.create(rights_mute='1')
    mute = server.sql("CREATE STREAM mute WITH (kafka_topic='rights_mute') AS "
                      "SELECT * FROM src;")[0]['commandStatus']['queryId']
    cluster.expect('before', len(kafka.read(rights_mute=2)['rights_mute']), 2)
    kafka.client('mute', 'rights_mute')
    server.sql('INSERT INTO src VALUES (3);')
    cluster.expect('of the other', len(kafka.read(rights_out=3)['rights_out']), 3)
    cluster.eventually('it says what it lacks', lambda: 'right to the topic' in
                       str(server.sql('EXPLAIN %s;' % mute)) + server.log_text(), 60)
    kafka.client('unmute', 'rights_mute')
    cluster.expect('after', len(kafka.read(rights_mute=3)['rights_mute']), 3)


STATEMENTS = """
CREATE STREAM a (k INT KEY, x INT) WITH (kafka_topic='shop-a', value_format='JSON', partitions=2);
CREATE TABLE t (k INT PRIMARY KEY, n STRING) WITH (kafka_topic='shop-t', value_format='JSON',
  partitions=2);
CREATE STREAM j WITH (kafka_topic='shop-j') AS SELECT a.k AS k, x, n FROM a
  LEFT JOIN t ON a.k = t.k;
CREATE TABLE counts WITH (kafka_topic='shop-counts') AS SELECT x, COUNT(*) AS n FROM a GROUP BY x;
CREATE STREAM f WITH (kafka_topic='shop-f') AS SELECT k, x FROM a;
CREATE OR REPLACE STREAM f WITH (kafka_topic='shop-f') AS SELECT k, x FROM a WHERE x > 0;
INSERT INTO f SELECT k, x FROM j;
ASSERT TOPIC 'shop-a' WITH (PARTITIONS=2);
INSERT INTO t VALUES (1, 'one');
INSERT INTO a VALUES (1, 2);
"""


def expect_least_rights(kafka, address, settings, guarantee):
    """The rights that docs/kafka.md names are enough for every kind of statement."""
    with cluster.weir.Server(*options('bootstrap.servers=' + address, *settings),
                             *options('ksql.service.id=least_', 'auto.offset.reset=earliest',
                                      'processing.guarantee=' + guarantee)) as server:
        server.sql(STATEMENTS)
        described, = server.sql('EXPLAIN %s;' % server.running()[0])
        group = described['queryDescription']['consumerGroupId']
        for sql in ('SELECT * FROM counts;', 'SELECT * FROM j EMIT CHANGES LIMIT 1;',
                    'SELECT * FROM a;', "PRINT 'shop-a' FROM BEGINNING LIMIT 1;"):
            cluster.eventually(sql, lambda statement=sql: b'2' in answer(server, statement), 30)
        cluster.eventually('the group has positions', lambda: kafka.client('offsets', group), 30)
        server.sql('DESCRIBE counts EXTENDED; SHOW TOPICS EXTENDED; SHOW QUERIES EXTENDED;')
        server.sql('PAUSE ALL; RESUME ALL; TERMINATE ALL;')
        server.sql(' '.join('DROP %s DELETE TOPIC;' % source for source in (
            'STREAM f', 'STREAM j', 'TABLE counts', 'STREAM a', 'TABLE t')))
        cluster.expect('topics', [topic for topic in kafka.topics() if 'shop-' in topic], [])
        cluster.expect('exit code', server.stop(), 0)
        if 'uthoriz' in server.log_text():
            raise AssertionError(server.log_text())
    print('the rights of the manual are enough, %s' % guarantee, flush=True)


def answer(server, sql):
    return server.request('POST', '/query', json.dumps({'ksql': sql}).encode())[2]


def run(folder):
    address, tls, sasl = cluster.control('secure', folder)
    authority = 'ssl.ca.location=%s/tls/ca.pem' % folder
    certificate = ['ssl.certificate.location=%s/tls/client.pem' % folder,
                   'ssl.key.location=%s/tls/client.key' % folder]
    user = ['security.protocol=SASL_SSL', authority, 'sasl.username=weir']
    plain = [*user, 'sasl.mechanism=PLAIN']
    expect_work('mutual_tls', tls, ['security.protocol=SSL', authority, *certificate])
    expect_work('plain', sasl, [*plain, 'sasl.password=secret'])
    scram = [*user, 'sasl.mechanism=SCRAM-SHA-256', 'sasl.password=secret']
    if IS_OLD_KAFKA or IS_NEW_CLIENT:
        expect_work('scram', sasl, scram)
    else:
        expect_refusal('scram to Kafka 4', sasl, scram, 'SCRAM to Kafka 4 needs librdkafka 2.6.1')
    expect_refusal('no certificate', tls, ['security.protocol=SSL', authority],
                   'certificate')
    expect_refusal('no authority', tls, ['security.protocol=SSL', *certificate],
                   'certificate verify failed', 'ssl.ca.location')
    expect_refusal('wrong password', sasl, [*plain, 'sasl.password=wrong'],
                   'Invalid username or password', 'sasl.password')
    expect_refusal('no TLS', tls, [], 'security.protocol')
    kafka = cluster.Cluster(address)
    expect_rights(kafka, sasl, [*plain, 'sasl.password=secret'])
    kafka.client('grant', 'shop-', 'least_ksql_processing_log')
    for guarantee in ('exactly_once_v2', 'at_least_once'):
        expect_least_rights(kafka, sasl, [*plain, 'sasl.password=secret'], guarantee)


def main():
    cluster.weir.BINARY = sys.argv[1]
    folder = cluster.scratch()
    try:
        run(folder)
    finally:
        cluster.control('stop', folder)
        cluster.remove(folder)


if __name__ == '__main__':
    main()

"""What other clients write, Weir reads; what Weir writes, they read, to the byte.

usage: test_clients.py SERVER

kafkajs and kcat write, kcat reads, read_committed.  Partitions are those of kafkajs's partitioner,
which is that of Java producers.
"""
import base64
import glob
import json
import os
import struct
import subprocess
import sys
import time

import cluster

KEYS = 20
PARTITIONS = 7
LARGE = 3_000_000


def kcat(kafka, *args, data=None):
    done = subprocess.run(['kcat', '-q', '-b', kafka.address, *args], input=data,
                          capture_output=True, timeout=cluster.SECONDS_MAX)
    if done.returncode:
        raise AssertionError('kcat %s: %s' % (' '.join(args), done.stderr.decode()))
    return done.stdout


def write(kafka, topic, key, value, *args):
    """One record by kcat, whose own partitioner is not Java's."""
    data = (key or b'') + b'\x01' + (value or b'')
    kcat(kafka, '-P', '-t', topic, '-K', '\x01', '-D', '\x02', '-X',
         'partitioner=murmur2_random', *args, data=data)


def read(kafka, topic):
    """All committed records, in the order of their partitions: dicts."""
    data = kcat(kafka, '-C', '-e', '-t', topic, '-o', 'beginning', '-X',
                'isolation.level=read_committed', '-X', 'check.crcs=true', '-f',
                '%p %o %T %K %S %h\\n%k%s\\n')
    records, at = [], 0
    while at < len(data):
        end = data.index(b'\n', at)
        partition, offset, when, key_len, value_len, headers = data[at:end].split(b' ', 5)
        key_len, value_len = int(key_len), int(value_len)
        key_end = end + 1 + max(key_len, 0)
        at = key_end + max(value_len, 0) + 1
        records.append({
            'partition': int(partition), 'offset': int(offset), 'time': int(when),
            'headers': headers,
            'key': None if key_len < 0 else data[end + 1:key_end],
            'value': None if value_len < 0 else data[key_end:at - 1]})
    return sorted(records, key=lambda record: (record['partition'], record['offset']))


def read_all(kafka, topic, count):
    def whole():
        records = read(kafka, topic)
        return records if len(records) >= count else None
    return cluster.eventually('%d records in %s' % (count, topic), whole)


def text(data):
    return base64.b64encode(data).decode()


# --- partitions ---

TYPES = {
    'string': ("'key %d ä'", lambda n: 'key %d ä' % n, str.encode),
    'int': ('%d', lambda n: n * 7919 - 9999, lambda v: struct.pack('>i', v)),
    'bigint': ('%d', lambda n: n * 10 ** 15 - 10 ** 16, lambda v: struct.pack('>q', v)),
    'double': ('%r', lambda n: n * 1.5 - 20.25, lambda v: struct.pack('>d', v)),
}


def literal(name, number):
    form, value_of, _ = TYPES[name]
    return form % (number if name == 'string' else value_of(number))


def key_bytes(name, form, number):
    _, value_of, pack = TYPES[name]
    value = value_of(number)
    return pack(value) if form == 'KAFKA' else json.dumps(value, ensure_ascii=False).encode()


def expect_partitions(kafka, topic, keys):
    """The keys are there, each in the partition that a Java producer takes."""
    found = [(record['key'], record['partition']) for record in read_all(kafka, topic, len(keys))]
    cluster.expect('keys of ' + topic, sorted(key for key, _ in found), sorted(keys))
    wanted = kafka.client('place', str(PARTITIONS), lines=[text(key) for key, _ in found])
    cluster.expect('partitions of ' + topic, [partition for _, partition in found], wanted)


def check_partitions(kafka, server):
    """INSERT and PARTITION BY hash keys as Java producers do."""
    cases = [(name, 'KAFKA') for name in TYPES] + [('string', 'JSON'), ('double', 'JSON')]
    sql = ["CREATE STREAM all_types (s STRING, i INT, b BIGINT, d DOUBLE) WITH "
           "(kafka_topic='all_types', partitions=2, value_format='JSON');"]
    columns = dict(zip(TYPES, 'sibd'))
    for name, form in cases:
        spec = "key_format='%s', value_format='JSON', partitions=%d" % (form, PARTITIONS)
        sql.append("CREATE STREAM in_%s_%s (k %s KEY, v INT) WITH (kafka_topic='in_%s_%s', %s);"
                   % (name, form, name, name, form, spec))
        sql.append("CREATE STREAM by_%s_%s WITH (kafka_topic='by_%s_%s', %s) AS "
                   "SELECT * FROM all_types PARTITION BY %s;"
                   % (name, form, name, form, spec, columns[name]))
    server.sql(''.join(sql))
    rows = ['INSERT INTO all_types VALUES (%s);' % ', '.join(literal(name, n) for name in TYPES)
            for n in range(KEYS)]
    for name, form in cases:
        rows += ['INSERT INTO in_%s_%s VALUES (%s, 1);' % (name, form, literal(name, n))
                 for n in range(KEYS)]
    server.sql(''.join(rows))
    for name, form in cases:
        keys = [key_bytes(name, form, n) for n in range(KEYS)]
        expect_partitions(kafka, 'in_%s_%s' % (name, form), keys)
        expect_partitions(kafka, 'by_%s_%s' % (name, form), keys)
    print('keys are where Java producers put them', flush=True)


# --- records ---

def write_records(kafka, topic):
    """Every kind of record that clients write; the number of those that are committed."""
    now = int(time.time() * 1000)
    records = [
        {'key': b'a', 'value': b'plain', 'headers': {'h': [b'1'], 'twice': [b'x', b'y']}},
        {'key': b'b', 'value': None, 'headers': {'tomb': [b'stone']}},
        {'key': None, 'value': b'no key'},
        {'key': b'', 'value': b'empty key'},
        {'key': b'c', 'value': b''},
        {'key': None, 'value': None},
        {'key': b'\xff\x00\x01', 'value': bytes(range(256)), 'headers': {'e': [b'']}},
        {'key': b'time', 'value': b'an hour ago', 'time': now - 3_600_000},
        {'key': b'time', 'value': b'in an hour', 'time': now + 3_600_000},
        {'key': b'large', 'value': b'x' * 900_000},
    ]

    def line(record):
        return {name: value if name == 'time' or value is None else
                {key: [text(v) for v in some] for key, some in value.items()}
                if name == 'headers' else text(value) for name, value in record.items()}

    kafka.client('load', topic, 'bytes', lines=[line(record) for record in records])
    kafka.client('load', topic, 'aborted', lines=[{'key': 'gone', 'value': 'aborted'}] * 3)
    kafka.client('load', topic, 'committed', lines=[{'key': 'kept', 'value': 'committed'}])
    for codec in ('gzip', 'snappy', 'lz4', 'zstd'):
        write(kafka, topic, codec.encode(), b'compressed ' * 1000, '-z', codec)
    write(kafka, topic, b'headers', b'null', '-H', 'null', '-H', 'twice=1', '-H', 'twice=2')
    return len(records) + 6


def bare(record):
    """What a query passes on: everything but the offset and the partition."""
    return (record['key'], record['value'], record['time'], record['headers'])


def check_records(kafka, server):
    """Bytes, nulls, headers and timestamps of every client's records come out as they went in."""
    kafka.create(written='3')
    server.sql("CREATE STREAM written (k BYTES KEY, v BYTES) WITH (kafka_topic='written', "
               "format='KAFKA'); CREATE STREAM same WITH (kafka_topic='same') AS "
               "SELECT k, v FROM written;")
    count = write_records(kafka, 'written')
    source, sink = read_all(kafka, 'written', count), read_all(kafka, 'same', count)
    cluster.expect('records', len(source), count)
    cluster.expect('copies', sorted(map(repr, map(bare, sink))),
                   sorted(map(repr, map(bare, source))))
    for record in sink:
        if record['key']:
            twins = [one['partition'] for one in source if bare(one) == bare(record)]
            cluster.expect('partition of %s' % record['key'], twins, [record['partition']])
    print('records are the same to the byte', flush=True)


def check_large(kafka, server):
    """A record over the usual limits, where topics and server allow it."""
    kafka.create(huge='1:max.message.bytes=8000000', huger='1:max.message.bytes=8000000')
    server.sql("CREATE STREAM large (k STRING KEY, v STRING) WITH (kafka_topic='huge', "
               "format='KAFKA'); CREATE STREAM larger WITH (kafka_topic='huger') AS "
               "SELECT k, CONCAT(v, 'y') AS v FROM large;")
    kafka.load('huge', [{'key': 'k', 'value': 'x' * LARGE}] * 2)
    cluster.expect('large records',
                   [len(record['value']) for record in read_all(kafka, 'huger', 2)],
                   [LARGE + 1] * 2)
    print('large records pass', flush=True)


def check_too_large(kafka, server):
    """A server with the usual limit: the query says which limit, and nobody else's epoch breaks."""
    server.sql("CREATE STREAM large (k STRING KEY, v STRING) WITH (kafka_topic='huge', "
               "format='KAFKA'); CREATE STREAM refused WITH (kafka_topic='huger') AS "
               "SELECT k, v FROM large; CREATE STREAM lengths WITH (kafka_topic='lengths', "
               "value_format='JSON') AS SELECT k, LEN(v) AS n FROM large;")
    cluster.expect('lengths', [json.loads(record['value'])
                               for record in read_all(kafka, 'lengths', 2)], [{'N': LARGE}] * 2)
    refused = next(query for query in server.running() if 'REFUSED' in query)
    cluster.eventually('the query names the limit', lambda: 'raise weir.limit.record.bytes' in str(
        server.sql('EXPLAIN %s;' % refused)))
    if 'aborted' in server.log_text():
        raise AssertionError(server.log_text())
    print('what is too large is said', flush=True)


def check_compressed(kafka, server):
    """With compression.type what queries and INSERTs write is small on the broker's disk."""
    size = 500_000
    server.sql("CREATE STREAM plain (k STRING KEY, v STRING) WITH (kafka_topic='plain', "
               "partitions=1, format='KAFKA'); CREATE STREAM padded WITH (kafka_topic='padded') AS "
               "SELECT k, RPAD(v, %d, 'p') AS v FROM plain; INSERT INTO plain VALUES ('k', '%s');"
               % (size, 'x' * (size // 2)))
    value = 'x' * (size // 2)
    for topic, wanted in (('plain', value), ('padded', value.ljust(size, 'p'))):
        cluster.expect(topic, [record['value'] for record in read_all(kafka, topic, 1)],
                       [wanted.encode()])
        log = glob.glob('%s/log/%s-0/*.log' % (kafka.folder, topic))
        found = sum(map(os.path.getsize, log))
        if not log or found > size // 10:
            raise AssertionError('%s has %d bytes in %s' % (topic, found, log))
    print('what is written is compressed', flush=True)


# --- topics ---

def check_topics(kafka, server):
    """Partitions, replicas, cleanup and retention are what the statements asked for."""
    server.sql('''
CREATE STREAM made (k INT KEY, v INT) WITH (kafka_topic='made', value_format='JSON',
    partitions=3, replicas=1, retention_ms=86400000);
CREATE STREAM kept (k INT KEY, v INT) WITH (kafka_topic='kept', value_format='JSON',
    partitions=1, retention_ms=-1);
CREATE TABLE facts (k INT PRIMARY KEY, v INT) WITH (kafka_topic='facts', value_format='JSON',
    partitions=2);
CREATE STREAM copy WITH (kafka_topic='copy') AS SELECT * FROM made;
CREATE TABLE counts WITH (kafka_topic='counts', partitions=4) AS
    SELECT k, COUNT(*) AS n FROM made GROUP BY k;
CREATE TABLE windows WITH (kafka_topic='windows', retention_ms=3600000) AS
    SELECT k, COUNT(*) AS n FROM made WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 2 DAYS) GROUP BY k;
''')
    service = server.service
    wanted = (
        ('made', 3, 'delete', '86400000'), ('kept', 1, 'delete', '-1'),
        ('facts', 2, 'compact', '-1'), ('copy', 3, 'delete', '86400000'),
        ('counts', 4, 'compact', '-1'), ('windows', 3, 'compact,delete', '172800000'),
        ('_weir-%s-commands' % service, 1, 'delete', '-1'),
        ('_weir-%s-positions' % service, 1, 'compact', '-1'))
    found = {topic['topic']: topic
             for topic in kafka.client('configs', *(topic for topic, *_ in wanted))}
    for topic, partitions, cleanup, retention in wanted:
        configs = found[topic]['configs']
        cluster.expect(topic, (found[topic]['partitions'], found[topic]['replicas'],
                               configs['cleanup.policy'], configs['retention.ms']),
                       (partitions, 1, cleanup, retention))
        cluster.expect('times of ' + topic, (configs['message.timestamp.type'],
                                             configs['message.timestamp.after.max.ms']),
                       ('CreateTime', str(2 ** 63 - 1)))
    print('topics are as asked', flush=True)


def check_group(kafka, server):
    """The consumer group that EXPLAIN names has the positions of the query."""
    query = next(query for query in server.running() if 'SAME' in query)
    described, = server.sql('EXPLAIN %s;' % query)
    group = described['queryDescription']['consumerGroupId']
    ends = kafka.ends({'written': 3}, True)
    wanted = {partition: end for (_, partition), end in ends.items()}

    def stands():
        return {place['partition']: place['offset'] for place in kafka.client('offsets', group)}
    cluster.eventually('the group %s stands at the end' % group, lambda: stands() == wanted)
    # What is read last before a stop is shown after the next start.
    kafka.load('written', [{'key': 'late', 'value': 'late'}])
    read_all(kafka, 'same', len(read(kafka, 'written')))
    server.restart()
    cluster.eventually('the group %s stands at the end again' % group, lambda: sum(
        stands().values()) == sum(kafka.ends({'written': 3}, True).values()))
    print('the consumer group shows no lag', flush=True)


def check_replicas(kafka, service):
    """Changelogs and positions have the replicas that were asked for, or the start says why not."""
    code, _, err = cluster.weir.run('-o', 'bootstrap.servers=' + kafka.address,
                                    '-o', 'ksql.service.id=' + service, '--data', cluster.scratch(),
                                    '-o', 'listeners=http://127.0.0.1:0',
                                    '-o', 'ksql.streams.replication.factor=2')
    if code == 0 or 'ksql.streams.replication.factor' not in err:
        raise AssertionError('%d: %s' % (code, err))
    print('replicas are as asked', flush=True)


def main():
    cluster.weir.BINARY = sys.argv[1]
    kafka = cluster.Cluster()
    service = 'clients%d_' % os.getpid()
    with cluster.Server(kafka, service, '-o', 'weir.limit.record.bytes=8000000') as server:
        server.service = service
        check_partitions(kafka, server)
        check_records(kafka, server)
        check_large(kafka, server)
        check_topics(kafka, server)
        check_group(kafka, server)
        cluster.expect('exit code', server.stop(), 0)
    with cluster.Server(kafka, service + 'small_', '-o',
                        'ksql.streams.producer.compression.type=zstd') as server:
        check_compressed(kafka, server)
        check_too_large(kafka, server)
        cluster.expect('exit code', server.stop(), 0)
    check_replicas(kafka, service + 'replicas_')


if __name__ == '__main__':
    main()

"""A real weir-server on a real Kafka: what it wrote is read back by an independent client.

usage: test_server.py SERVER

Rows are inserted while the server is killed by kill -9 and started again.  In the end kafkajs reads
source and outputs, read_committed, and the outputs are recomputed from the source.
"""
import collections
import glob
import json
import os
import shutil
import sys
import time

import cluster

WAVES, ROWS = 4, 250  # a kill falls into each wave but the last
SETTLE_SECONDS = 60
KEYS = 17
SERVICE = 'test%d_' % os.getpid()

STATEMENTS = '''
CREATE STREAM orders (id STRING KEY, customer STRING, price BIGINT)
  WITH (kafka_topic='orders', partitions=3, value_format='JSON');
CREATE STREAM large WITH (kafka_topic='large', value_format='JSON') AS
  SELECT id, customer, price FROM orders WHERE price >= 500 EMIT CHANGES;
CREATE TABLE totals WITH (kafka_topic='totals', value_format='JSON') AS
  SELECT customer, COUNT(*) AS n, SUM(price) AS total FROM orders GROUP BY customer EMIT CHANGES;
'''


def order(number):
    return 'o%d' % number, 'c%d' % (number % KEYS), number * 7919 % 1000


def insert(server, numbers):
    """The numbers that were acknowledged; the server may die meanwhile."""
    done = []
    for first in range(numbers.start, numbers.stop, 10):
        batch = range(first, min(first + 10, numbers.stop))
        rows = ' '.join("INSERT INTO orders VALUES ('%s', '%s', %d);" % order(n) for n in batch)
        try:
            server.sql(rows)
        except (OSError, EOFError, AssertionError, IndexError):
            return done, batch
        done.extend(batch)
    return done, ()


def totals_of(orders):
    totals = collections.defaultdict(lambda: [0, 0])
    for record in orders:
        row = json.loads(record['value'])
        totals[row['CUSTOMER']][0] += 1
        totals[row['CUSTOMER']][1] += row['PRICE']
    return dict(totals)


def query(server, sql):
    status, _, body = server.request('POST', '/query', json.dumps({'ksql': sql}).encode())
    if status != 200:
        raise AssertionError('%s: %s' % (sql, body.decode()))
    items = json.loads(body)
    errors = [item for item in items if 'errorMessage' in item and item['errorMessage']]
    if errors:
        raise AssertionError('%s: %s\n%s' % (sql, errors, server.log_text()))
    return [item['row']['columns'] for item in items if 'row' in item]


def await_totals(server, count):
    """Pulls until the table has counted that many rows."""
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end:
        rows = query(server, 'SELECT customer, n, total FROM totals;')
        if sum(row[1] for row in rows) >= count:
            return {row[0]: row[1:] for row in rows}
        time.sleep(0.2)
    raise AssertionError('the table counts %s of %d\n%s' % (rows, count, server.log_text()))


def run_waves(server):
    """Inserts with kills; how many rows were acknowledged, and which may or may not be there."""
    acknowledged, unsure, begin = set(), set(), time.monotonic()
    for wave in range(WAVES):
        numbers = range(wave * ROWS, (wave + 1) * ROWS)
        cut = numbers.stop if wave == WAVES - 1 else numbers.start + ROWS // 2
        done, lost = insert(server, range(numbers.start, cut))
        if lost:
            raise AssertionError('an INSERT failed: ' + server.log_text())
        acknowledged.update(done)
        if cut == numbers.stop:
            break
        time.sleep(0.05 * wave)  # in another part of an epoch each time
        server.kill()
        server.start()
        done, lost = insert(server, range(cut, numbers.stop))
        acknowledged.update(done)
        unsure.update(lost)
    print('%d rows, %d kills, %.1f s' % (len(acknowledged), WAVES - 1, time.monotonic() - begin))
    return acknowledged, unsure


def expect_rebuilt(server, expected):
    """The data directory is gone: the cluster has the table, and the query goes on with it."""
    cluster.expect('exit code', server.stop(), 0)
    shutil.rmtree(os.path.join(server.data, 'kafka-' + SERVICE, 'state'))
    server.start()
    cluster.expect('rebuilt totals', {row[0]: row[1:] for row in query(
        server, 'SELECT customer, n, total FROM totals;')}, expected)
    server.sql("INSERT INTO orders VALUES ('late', 'c0', 1);")
    count, total = expected['c0']
    cluster.eventually('the rebuilt table goes on', lambda: query(
        server, "SELECT n, total FROM totals WHERE customer='c0';") == [[count + 1, total + 1]])


def expect_apart(kafka):
    """A directory that others use: the embedded broker, a server with another name."""
    data = cluster.scratch()
    table = "CREATE STREAM s (k STRING KEY, v INT) WITH (kafka_topic='apart', partitions=1, " \
            "value_format='JSON'); CREATE TABLE t WITH (kafka_topic='apart_t') AS SELECT k, " \
            "COUNT(*) AS n FROM s GROUP BY k; INSERT INTO s VALUES ('a', 1);"
    with cluster.weir.Server(data=data) as server:
        server.sql(table)
        cluster.eventually('a row', lambda: query(server, 'SELECT n FROM t;') == [[1]])
        cluster.expect('exit code', server.stop(), 0)
    state = set(glob.glob(os.path.join(data, 'state', '*.db')))
    cluster.expect('state files', len(state), 1)
    with cluster.Server(kafka, 'a' + SERVICE, data=data) as server:
        server.sql(table)
        cluster.eventually('a row', lambda: query(server, 'SELECT n FROM t;') == [[1]])
        with cluster.Server(kafka, 'b' + SERVICE, data=data) as other:
            cluster.expect('queries', other.running(), [])
            cluster.expect('exit code', other.stop(), 0)
        cluster.expect('exit code', server.stop(), 0)
    cluster.expect('files', len(glob.glob(data + '/kafka-a%s/state/CTAS_T_1.db' % SERVICE)), 1)
    cluster.expect('state files', set(glob.glob(os.path.join(data, 'state', '*.db'))), state)
    cluster.remove(data)


def main():
    cluster.weir.BINARY = sys.argv[1]
    kafka = cluster.Cluster()
    expect_apart(kafka)
    with cluster.Server(kafka, SERVICE) as server:
        server.sql(STATEMENTS)
        acknowledged, unsure = run_waves(server)
        cluster.expect('rows whose INSERT failed', unsure, set())
        pulled = await_totals(server, len(acknowledged))
        large = [n for n in acknowledged if order(n)[2] >= 500]
        pushed = query(server, 'SELECT id FROM large EMIT CHANGES LIMIT %d;' % len(large))
        cluster.expect('pushed rows', sorted(row[0] for row in pushed),
                       sorted('o%d' % n for n in large))
        records = kafka.read(orders=len(acknowledged), large=len(large), totals=len(acknowledged))
        cluster.expect('keys of orders', sorted(r['key'] for r in records['orders']),
               sorted('o%d' % n for n in acknowledged))
        cluster.expect('keys of large', sorted(r['key'] for r in records['large']),
               sorted('o%d' % n for n in large))
        expected = totals_of(records['orders'])
        cluster.expect('pulled totals', pulled, expected)
        last = {}
        for record in records['totals']:
            row = json.loads(record['value'])
            last[record['key']] = [row['N'], row['TOTAL']]
        cluster.expect('updates of totals', len(records['totals']), len(acknowledged))
        cluster.expect('last totals', last, expected)
        expect_rebuilt(server, expected)
        cluster.expect('exit code', server.stop(), 0)
    print('what Kafka holds is what was computed again')


if __name__ == '__main__':
    main()

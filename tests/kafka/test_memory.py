"""Memory while queries catch up: within the bound that was set, shown, and given back.

usage: test_memory.py SERVER

The backlog is twice as large as the bound and is there before the queries start.
"""
import json
import os
import sys
import time

import cluster

RECORDS, PARTITIONS, GROUPS, KEYS = 80000, 4, 50, 20000
MAX_BYTES = 20000000
# What nobody counts: the heap's gaps, requests under way, SQLite.
UNCOUNTED_BYTES = 40000000
PAD = '.' * 400

STATEMENTS = '''
CREATE STREAM src (k STRING KEY, g INT, v BIGINT) WITH (kafka_topic='{0}in', value_format='JSON');
CREATE STREAM copy WITH (kafka_topic='{0}copy') AS SELECT k, g, v FROM src;
CREATE TABLE counts WITH (kafka_topic='{0}counts') AS SELECT g, COUNT(*) AS n FROM src GROUP BY g;
CREATE TABLE keyed WITH (kafka_topic='{0}keyed') AS SELECT k, COUNT(*) AS n FROM src GROUP BY k;
'''


def load(kafka, topic):
    kafka.create(**{topic: '%d:retention.ms=-1' % PARTITIONS})
    now = int(time.time() * 1000)
    kafka.load(topic, [{'key': 'k%d' % (number % KEYS), 'time': now,
                        'value': json.dumps({'G': number % GROUPS + 1, 'V': number, 'PAD': PAD})}
                       for number in range(RECORDS)])


def memory(server):
    return server.health()['details']['memory']


def is_counted(server):
    """All of the backlog is in both tables."""
    return (sum(row[0] for row in server.rows('SELECT n FROM counts;')) == RECORDS
            and sum(row[0] for row in server.rows('SELECT n FROM keyed;')) == RECORDS)


def watch(server):
    """What was shown until all was counted: the largest of each."""
    peaks, end = {}, time.monotonic() + cluster.SECONDS_MAX
    looked = 0
    while time.monotonic() < end:
        for name, found in memory(server).items():
            peaks[name] = max(peaks.get(name, 0), found)
        looked += 1
        if looked % 20 == 0 and is_counted(server):
            return peaks
    raise AssertionError('never: all %d records are counted' % RECORDS)


def main():
    cluster.weir.BINARY = sys.argv[1]
    kafka = cluster.Cluster()
    prefix = 'memory-%d-' % os.getpid()
    load(kafka, prefix + 'in')
    with cluster.Server(kafka, prefix.replace('-', '_'),
                        '-o', 'weir.memory.bytes=%d' % MAX_BYTES) as server:
        idle = memory(server)['residentBytes']
        server.sql(STATEMENTS.format(prefix))
        peaks = watch(server)
        print('at most, of %d: %s' % (MAX_BYTES, peaks))
        cluster.expect('the bound', peaks['maxBytes'], MAX_BYTES)
        cluster.expect('what was fetched was shown', peaks['fetchedBytes'] > 0, True)
        cluster.expect('used more than the bound', peaks['usedBytes'] > MAX_BYTES, False)
        cluster.expect('memory of the process over %d' % (MAX_BYTES + UNCOUNTED_BYTES),
                       peaks['residentBytes'] > MAX_BYTES + UNCOUNTED_BYTES, False)
        cluster.eventually('nothing is held any more', lambda: not any(
            memory(server)[name] for name in ('fetchedBytes', 'outputBytes', 'pendingBytes')))
        # What is left are the tables.
        cluster.eventually('memory is given back', lambda: (
            memory(server)['residentBytes'] < idle + MAX_BYTES))


if __name__ == '__main__':
    main()

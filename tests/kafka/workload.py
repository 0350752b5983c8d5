"""Input, statements, and what must come of them: computed again from the input alone.

V is another number in every record.  So the difference between two sums tells which record was
added, and the updates of a count can be checked one by one although the order in which records of
different partitions meet is free: each record counts once, in its own group, and the records of one
partition in their order.
"""
import json
import os
import time

import cluster

# From 1 on: kafkajs takes a key of four zero bytes for the end of an aborted transaction.
GROUPS = 50
PARTITIONS = 3
SINKS = ('even', 'chained', 'counts', 'keyed')
LOADS_MAX = 10
PAD = '.' * 200  # so that a partition does not come with one fetch


def group_of(number):
    return number * 31 % GROUPS + 1


class Workload:
    """Topics and queries of one test; their names begin with its name."""

    def __init__(self, kafka, name, count):
        self.kafka, self.count = kafka, count
        self.first, self.most = count, count * LOADS_MAX
        self.time = int(time.time() * 1000) - 3600000
        self.prefix = '%s-%d-' % (name, os.getpid())
        self.service = self.prefix.replace('-', '_')
        self.source = self.prefix + 'in'
        self.sinks = {self.prefix + name: PARTITIONS for name in SINKS}

    def statements(self):
        return '''
CREATE STREAM src (k STRING KEY, g INT, v BIGINT) WITH (kafka_topic='{0}in', value_format='JSON');
CREATE STREAM even WITH (kafka_topic='{0}even') AS SELECT k, g, v FROM src WHERE v % 2 = 0;
CREATE STREAM chained WITH (kafka_topic='{0}chained') AS
  SELECT k, v + 1 AS w FROM even WHERE v % 3 = 0;
CREATE TABLE counts WITH (kafka_topic='{0}counts') AS
  SELECT g, COUNT(*) AS n, SUM(v) AS total FROM src GROUP BY g;
CREATE TABLE keyed WITH (kafka_topic='{0}keyed') AS
  SELECT k, COUNT(*) AS n, SUM(v) AS total FROM src GROUP BY k;
'''.format(self.prefix)

    def create(self):
        self.kafka.create(**{self.source: '%d:retention.ms=-1' % PARTITIONS})

    def records(self, numbers):
        return [{'key': 'k%d' % (number * 7 % 101), 'time': self.time + number,
                 'value': json.dumps({'G': group_of(number), 'V': number, 'PAD': PAD})}
                for number in numbers]

    def load(self):
        """All of it before the queries start."""
        self.create()
        self._append(0, self.count)

    def load_more(self):
        """As much again, for a test that was slower than the queries."""
        if self.count >= self.most:
            raise AssertionError('the work is done at %d records' % self.count)
        self._append(self.count, self.count + self.first)

    def _append(self, begin, end):
        self.kafka.load(self.source, self.records(range(begin, end)))
        self.count = end
        self.note_input()

    def note_input(self):
        """Keeps what each partition of the source holds."""
        found = self.kafka.read(**{self.source: self.count})[self.source]
        cluster.expect('records loaded', len(found), self.count)
        self.input = {p: [(r['key'], r['time'], json.loads(r['value'])) for r in rs]
                      for p, rs in cluster.by_partition(found).items()}
        self.total = sum(self.counts().values())

    def counts(self):
        """How many records each sink holds in the end."""
        even = [row['V'] for rows in self.input.values() for _, _, row in rows if row['V'] % 2 == 0]
        sizes = {'even': len(even), 'chained': sum(v % 3 == 0 for v in even),
                 'counts': self.count, 'keyed': self.count}
        return {self.prefix + name: size for name, size in sizes.items()}

    def progress(self):
        """Committed ends of the sinks, 0 for those that do not exist yet."""
        return sum(self.kafka.ends(self.sinks, True).values())

    def left(self):
        """How much is still to come; not exact, as the ends of transactions count as well."""
        return self.total - self.progress()

    def check(self):
        """Reads the sinks and compares every record; gives them on, as text without offsets."""
        try:
            found = self.kafka.read(**self.counts())
            parts = {name: cluster.by_partition(found[self.prefix + name])
                     for name in SINKS}
            self._check_even(parts['even'])
            self._check_chained(parts['chained'])
            self._check_counts(parts['counts'])
            self._check_keyed(parts['keyed'])
        except AssertionError:
            self._tell()
            raise
        return {name: {p: [(r['key'], r['value'], r['time']) for r in rs]
                       for p, rs in parts[name].items()}
                for name in ('even', 'chained', 'keyed')}

    def _tell(self):
        """Where the topics end: what has been written, and what of it can be read."""
        topics = {**self.sinks, self.source: PARTITIONS}
        cluster.tell('written ends', lambda: self.kafka.ends(topics, False))
        cluster.tell('committed ends', lambda: self.kafka.ends(topics, True))
        cluster.tell('leaders', lambda: {place: leader
                                         for place, leader in self.kafka.leaders().items()
                                         if place[0] in topics})

    def _check_even(self, found):
        expected = {p: [(k, t, {'G': row['G'], 'V': row['V']})
                        for k, t, row in rows if row['V'] % 2 == 0]
                    for p, rows in self.input.items()}
        _same('even', found, expected)

    def _check_chained(self, found):
        expected = {p: [(k, t, {'W': row['V'] + 1})
                        for k, t, row in rows if row['V'] % 6 == 0]
                    for p, rows in self.input.items()}
        _same('chained', found, expected)

    def _check_keyed(self, found):
        expected = {}
        for p, rows in self.input.items():
            sums, out = {}, []
            for k, t, row in rows:
                n, total, latest = sums.get(k, (0, 0, 0))
                sums[k] = n + 1, total + row['V'], max(latest, t)
                out.append((k, sums[k][2], {'N': sums[k][0], 'TOTAL': sums[k][1]}))
            expected[p] = out
        _same('keyed', found, expected)

    def _check_counts(self, found):
        place = {row['V']: (p, at) for p, rows in self.input.items()
                 for at, (_, _, row) in enumerate(rows)}
        groups = {}
        for record in (record for part in found.values() for record in part):
            groups.setdefault(int.from_bytes(record['key'].encode(), 'big'), []).append(record)
        total = 0
        for group, records in groups.items():
            latest = {}
            before, last = {'N': 0, 'TOTAL': 0}, -1
            for record in records:
                row = json.loads(record['value'])
                added = row['TOTAL'] - before['TOTAL']
                p, at = place.get(added, (None, None))
                if row['N'] != before['N'] + 1 or p is None or group_of(added) != group or \
                        latest.get(p, -1) >= at:
                    raise AssertionError('counts of %d: %s after %s at %s/%d, behind %d' % (
                        group, row, before, record['partition'], record['offset'], last))
                latest[p] = at
                before, last = row, record['offset']
                total += 1
        cluster.expect('updates of counts', total, self.count)


def _same(name, found, expected):
    for p, rows in expected.items():
        got = [(r['key'], r['time'], json.loads(r['value'])) for r in found.get(p, [])]
        if got == rows:
            continue
        at = next((i for i, (a, b) in enumerate(zip(got, rows)) if a != b),
                  min(len(got), len(rows)))
        raise AssertionError('%s/%d: %d records instead of %d; number %d is %s, expected %s' % (
            name, p, len(got), len(rows), at, got[at:at + 2], rows[at:at + 2]))
    if any(found.get(p) for p in found if p not in expected):
        raise AssertionError('%s: records where none belong' % name)

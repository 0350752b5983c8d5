"""A Kafka under test: kafka.sh for its processes, kafkajs for its records, sockets for offsets.

Everything waits for SECONDS_MAX at most.
"""
import collections
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS_MAX = 180

sys.path.insert(0, os.path.join(HERE, '..', 'server'))
import weir  # noqa: E402


class Cluster:
    """What the environment names: KAFKA (HOST:PORT,...), KAFKA_DIR of its first broker, MODULES."""

    def __init__(self, address=None, folder=None):
        self.address = address or os.environ['KAFKA']
        self.folder = folder or os.environ.get('KAFKA_DIR')
        self.modules = os.environ['MODULES']
        self._reader = None

    # --- records, by an independent client ---

    def client(self, *args, lines=None, seconds=SECONDS_MAX):
        data = None if lines is None else '\n'.join(map(json.dumps, lines)) + '\n'
        done = subprocess.run(['node', os.path.join(HERE, 'client.js'), self.address, *args],
                              env=dict(os.environ, NODE_PATH=self.modules), input=data,
                              capture_output=True, text=True, timeout=seconds)
        if done.returncode:
            raise AssertionError('%s: %s%s' % (' '.join(args), done.stderr, done.stdout[-500:]))
        return [json.loads(line) for line in done.stdout.splitlines() if line[0] in '{[0123456789']

    def create(self, **topics):
        self.client('create', *('%s=%s' % item for item in topics.items()))

    def load(self, topic, records):
        count = self.client('load', topic, lines=records)
        if count != [len(records)]:
            raise AssertionError('loaded %s of %d' % (count, len(records)))

    def read(self, **counts):
        """Topic -> its committed records; waits until there are at least so many."""
        records = {topic: [] for topic in counts}
        for record in self.client('read', *('%s=%d' % item for item in counts.items())):
            records[record['topic']].append(record)
        return records

    def topics(self):
        return {found['topic']: found['partitions'] for found in self.client('list')}

    # --- offsets, by the protocol itself: no client tells both ends of a transaction ---

    def ends(self, topics, is_committed):
        """(topic, partition) -> the offset after the last record that is readable, or written."""
        body = struct.pack('>ibi', -1, is_committed, len(topics))
        for topic, count in topics.items():
            body += _text(topic) + struct.pack('>i', count)
            body += b''.join(struct.pack('>iq', partition, -1) for partition in range(count))
        data, found = self._ask(2, 2, body), {}
        at = 8
        for _ in topics:
            size, = struct.unpack_from('>h', data, at)
            topic = data[at + 2:at + 2 + size].decode()
            count, = struct.unpack_from('>i', data, at + 2 + size)
            at += 6 + size
            for _ in range(count):
                partition, error, _, offset = struct.unpack_from('>ihqq', data, at)
                at += 22
                found[topic, partition] = 0 if error else offset
        return found

    def open_records(self, topics):
        """Records of transactions that are not decided; topics: name -> partitions."""
        return (sum(self.ends(topics, False).values()) - sum(self.ends(topics, True).values()))

    def _ask(self, key, version, body):
        """One request to the first broker: for clusters of one."""
        message = struct.pack('>hhi', key, version, 1) + _text('tests') + body
        try:
            return self._send(message)
        except (OSError, EOFError):
            self._reader = None
            return self._send(message)

    def _send(self, message):
        if not self._reader:
            host, port = self.address.split(',')[0].rsplit(':', 1)
            self._reader = weir.Reader(socket.create_connection((host, int(port)), 10))
        self._reader.sock.sendall(struct.pack('>i', len(message)) + message)
        return self._reader.take(struct.unpack('>i', self._reader.take(4))[0])[4:]

    # --- faults ---

    def control(self, command, *args):
        done = subprocess.run([os.path.join(HERE, 'kafka.sh'), command, self.folder, *args],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=SECONDS_MAX)
        if done.returncode:
            raise AssertionError('kafka.sh %s: %s' % (command, done.stdout))

    def signal(self, number):
        with open(os.path.join(self.folder, 'pid')) as file:
            os.kill(int(file.read()), number)


def _text(text):
    return struct.pack('>h', len(text)) + text.encode()


class Server(weir.Server):
    """A weir-server on a cluster; its data directory survives kill()."""

    def __init__(self, cluster, service, *options, data=None):
        super().__init__('-o', 'bootstrap.servers=' + cluster.address,
                         '-o', 'ksql.service.id=' + service, '-o', 'auto.offset.reset=earliest',
                         '-o', 'cache.max.bytes.buffering=0', *options, data=data)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._close_files()

    def is_alive(self):
        return self.process.poll() is None

    def health(self):
        return json.loads(self.get('/healthcheck')[2])

    def rows(self, sql):
        """Of a pull query."""
        status, _, body = self.request('POST', '/query', json.dumps({'ksql': sql}).encode())
        if status != 200:
            raise AssertionError('%s: %s' % (sql, body.decode()))
        items = json.loads(body)
        for item in items:
            if item.get('errorMessage'):
                raise AssertionError('%s: %s' % (sql, item['errorMessage']))
        return [item['row']['columns'] for item in items if item.get('row')]


def eventually(what, check, seconds=SECONDS_MAX, pause=0.1):
    """Waits until check() gives something true; gives it on."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError('never: %s' % what)
        time.sleep(pause)


def expect(what, got, expected):
    if got != expected:
        raise AssertionError('%s: got %s, expected %s' % (what, got, expected))


def by_partition(records):
    """Partition -> its records in order."""
    found = collections.defaultdict(list)
    for record in records:
        found[record['partition']].append(record)
    for partition in found.values():
        partition.sort(key=lambda record: record['offset'])
    return found


def scratch(prefix='weir-kafka-'):
    return tempfile.mkdtemp(prefix=prefix)


def remove(path):
    shutil.rmtree(path, ignore_errors=True)

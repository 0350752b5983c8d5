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
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS_MAX = 180
LOG_LINES_TOLD = 120

sys.path.insert(0, os.path.join(HERE, '..', 'server'))
import weir  # noqa: E402


class Cluster:
    """What the environment names: KAFKA (HOST:PORT,...), KAFKA_DIR of its first broker, MODULES."""

    def __init__(self, address=None, folder=None):
        self.address = address or os.environ['KAFKA']
        self.folder = folder or os.environ.get('KAFKA_DIR')
        self.modules = os.environ['MODULES']
        self._readers = {}

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
        records = {topic: {} for topic in counts}
        for record in self.client('read', *('%s=%d' % item for item in counts.items())):
            # A client whose coordinator died begins again.
            records[record['topic']][record['partition'], record['offset']] = record
        return {topic: list(found.values()) for topic, found in records.items()}

    def leaders(self):
        """(topic, partition) -> the number of the broker that leads it; -1: none does."""
        return {(found['topic'], found['partition']): found['leader']
                for found in self.client('leaders')}

    def topics(self):
        return {found['topic']: found['partitions'] for found in self.client('list')}

    # --- offsets, by the protocol itself: no client tells both ends of a transaction ---

    def ends(self, topics, is_committed):
        """(topic, partition) -> the offset after the last record that is readable, or written."""
        body = struct.pack('>ibi', -1, is_committed, len(topics))
        for topic, count in topics.items():
            body += _text(topic) + struct.pack('>i', count)
            body += b''.join(struct.pack('>iq', partition, -1) for partition in range(count))
        found = {}
        # Only the leader of a partition knows its end.
        for data in self._ask_all(2, 2, body):
            for place, end in _read_ends(data, len(topics)):
                found[place] = max(found.get(place, 0), end)
        return found

    def open_records(self, topics):
        """Records of transactions that are not decided; topics: name -> partitions."""
        return (sum(self.ends(topics, False).values()) - sum(self.ends(topics, True).values()))

    def _ask_all(self, key, version, body):
        """One request to each broker; the answers of those that live: of one at least."""
        message = struct.pack('>hhi', key, version, 1) + _text('tests') + body
        answers, failure = [], None
        for address in self.address.split(','):
            try:
                answers.append(self._ask(address, message))
            except (OSError, EOFError) as error:
                failure = error
        if not answers:
            raise failure
        return answers

    def _ask(self, address, message):
        try:
            return self._send(address, message)
        except (OSError, EOFError):
            self._readers.pop(address, None)
            return self._send(address, message)

    def _send(self, address, message):
        if address not in self._readers:
            host, port = address.rsplit(':', 1)
            self._readers[address] = weir.Reader(socket.create_connection((host, int(port)), 10))
        reader = self._readers[address]
        reader.sock.sendall(struct.pack('>i', len(message)) + message)
        return reader.take(struct.unpack('>i', reader.take(4))[0])[4:]

    # --- faults ---

    def control(self, command):
        control(command, self.folder)

    def signal(self, number):
        with open(os.path.join(self.folder, 'pid')) as file:
            os.kill(int(file.read()), number)


def control(command, folder, *args):
    """kafka.sh; gives the words of its last line: addresses."""
    done = subprocess.run([os.path.join(HERE, 'kafka.sh'), command, folder, *args],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=SECONDS_MAX)
    if done.returncode:
        raise AssertionError('kafka.sh %s: %s' % (command, done.stdout))
    return done.stdout.splitlines()[-1].split() if done.stdout.strip() else []


def _text(text):
    return struct.pack('>h', len(text)) + text.encode()


def _read_ends(data, topics):
    """((topic, partition), offset) of an answer to ListOffsets; 0: this broker does not know."""
    at = 8
    for _ in range(topics):
        size, = struct.unpack_from('>h', data, at)
        topic = data[at + 2:at + 2 + size].decode()
        count, = struct.unpack_from('>i', data, at + 2 + size)
        at += 6 + size
        for _ in range(count):
            partition, error, _, offset = struct.unpack_from('>ihqq', data, at)
            at += 22
            yield (topic, partition), 0 if error else offset


class Server(weir.Server):
    """A weir-server on a cluster; its data directory survives kill()."""

    def __init__(self, cluster, service, *options, **more):
        super().__init__('-o', 'bootstrap.servers=' + cluster.address,
                         '-o', 'ksql.service.id=' + service, '-o', 'auto.offset.reset=earliest',
                         '-o', 'cache.max.bytes.buffering=0', *options, **more)

    def __exit__(self, kind=None, *unused):
        if kind and self.process:
            tell('health', self.health)
            tell('queries', self._describe_queries)
            tell('log', lambda: '\n'.join(self.log_text().splitlines()[-LOG_LINES_TOLD:]))
        super().__exit__()

    def _describe_queries(self):
        """Where each stands, and what went wrong last."""
        answers = self.sql('SHOW QUERIES; SHOW QUERIES EXTENDED;')
        return [(answer.get('warnings'),
                 [(query['id'], query['state'], query['queryErrors'], query['tasksMetadata'])
                  for query in answer.get('queryDescriptions', [])])
                for answer in answers]

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


def tell(what, look):
    """Prints what look() gives, for whoever reads why a test failed; looking may fail, too."""
    try:
        found = look()
    except Exception:  # whatever it is, the failure of the test is what is reported
        found = traceback.format_exc()
    print('-- %s: %s' % (what, found), flush=True)


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

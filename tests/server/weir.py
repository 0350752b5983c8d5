"""A real weir-server under test: started on any port with a data directory of its own.

    with Server() as server:
        status, headers, body = server.get('/info')

A test gives up after SECONDS_MAX wherever it waits, and the server is killed when the block ends.
"""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

SECONDS_MAX = 30
IS_SANITIZED = 'WEIR_SANITIZED' in os.environ  # memory figures mean nothing then
BINARY = None
REPORTS = ('Sanitizer:', ': runtime error: ', ': Assertion `', ' assert: ')
LOG_BYTES_MAX = 20000


def main():
    """Runs the tests of the calling file; the first argument is the server's binary."""
    global BINARY
    BINARY = sys.argv.pop(1)
    sys.modules['weir'].BINARY = BINARY
    unittest.main(verbosity=2)


def check_log(text):
    """What a sanitizer or an assert found, whatever became of the exit code."""
    for mark in REPORTS:
        at = text.find(mark)
        if at >= 0:
            raise AssertionError('the server: ' + text[max(0, at - 200):][:LOG_BYTES_MAX])


def run(*args):
    """Runs the server to its end; for starts that are to fail."""
    done = subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=SECONDS_MAX)
    check_log(done.stderr)
    return done.returncode, done.stdout, done.stderr


class Server:
    def __init__(self, *options, data=None, awaits_ready=True):
        self.awaits_ready = awaits_ready
        self.owns_data = data is None
        self.data = data or tempfile.mkdtemp(prefix='weir-test-')
        self.options = options
        self.process = None

    def __enter__(self):
        return self.start() if self.awaits_ready else self.begin()

    def __exit__(self, *unused):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._close_files()
        if self.owns_data:
            shutil.rmtree(self.data, ignore_errors=True)

    def _close_files(self):
        """Behind its end, however it came: the log is looked through for the last time."""
        if not self.process or self.log.closed:
            return
        log = self.log_text()
        self.process.stdout.close()
        self.log.close()
        check_log(log)
        # Nobody sends these: it died of itself.
        if self.process.returncode in (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS):
            raise AssertionError('the server crashed: ' + log[-LOG_BYTES_MAX:])

    def start(self):
        self._launch(0)
        return self.await_ready()

    def begin(self):
        """Starts it, and waits until it answers, ready or not."""
        self.port = closed_port()
        self._launch(self.port)
        eventually(self._answers, 'the server answers')
        return self

    def _launch(self, port):
        self.log = tempfile.TemporaryFile('w+')
        self.process = subprocess.Popen(
            [BINARY, '--data', self.data, '-o', 'listeners=http://127.0.0.1:%d' % port,
             *self.options], stdout=subprocess.PIPE, stderr=self.log, text=True)

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError('the server ended: ' + self.log_text())
        try:
            return self.get('/chc/live')[0] == 200
        except ConnectionRefusedError:
            return False

    def await_ready(self, seconds=None):
        readable, _, _ = select.select([self.process.stdout], [], [], seconds or SECONDS_MAX)
        self.ready_line = self.process.stdout.readline() if readable else ''
        if not self.ready_line.startswith('ready on '):
            raise AssertionError('the server is not ready: ' + self.log_text())
        self.port = int(self.ready_line.split()[2].split(',')[0].rsplit(':', 1)[1])
        return self

    def log_text(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self, number=signal.SIGTERM):
        """Ends it by a signal; gives the exit code."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS_MAX)

    def end(self):
        """Ends it in order, which finds leaks where the build looks for them."""
        code = self.stop()
        log = self.log_text()
        self.__exit__()
        if code != 0:
            raise AssertionError('the server ended with %d: %s' % (code, log))

    def restart(self):
        code = self.stop()
        self._close_files()
        self.start()
        return code

    def connect(self):
        return socket.create_connection(('127.0.0.1', self.port), SECONDS_MAX)

    def exchange(self, data):
        """Sends bytes on a fresh connection and reads to its end."""
        with self.connect() as sock:
            sock.sendall(data)
            return read_all(sock)

    def request(self, method, path, body=b'', headers=()):
        with self.connect() as sock:
            sock.sendall(request(method, path, body, (*headers, 'Connection: close')))
            return read_response(Reader(sock), method)

    def get(self, path, headers=()):
        return self.request('GET', path, headers=headers)

    def sql(self, text):
        """POST /ksql: the entities; an AssertionError when it is refused."""
        status, _, body = self.request('POST', '/ksql', json.dumps({'ksql': text}).encode())
        if status != 200:
            raise AssertionError('%d: %s' % (status, body.decode()))
        return json.loads(body)

    def running(self):
        """Ids of the queries that run now."""
        return [query['id'] for query in self.sql('SHOW QUERIES;')[0]['queries']]


def closed_port():
    """One that nobody listens on just now."""
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


def request(method, path, body=b'', headers=()):
    lines = ['%s %s HTTP/1.1' % (method, path), 'Host: test', *headers]
    if body:
        lines.append('Content-Length: %d' % len(body))
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


def read_all(sock):
    data = b''
    while True:
        try:
            more = sock.recv(65536)
        except ConnectionResetError:
            return data
        if not more:
            return data
        data += more


class Reader:
    """Bytes of a socket with a place to stand."""

    def __init__(self, sock):
        self.sock = sock
        self.data = b''

    def fill(self):
        more = self.sock.recv(65536)
        if not more:
            raise EOFError(self.data)
        self.data += more

    def take(self, count):
        while len(self.data) < count:
            self.fill()
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def until(self, mark):
        while mark not in self.data:
            self.fill()
        taken, self.data = self.data.split(mark, 1)
        return taken

    def chunk(self):
        size = int(self.until(b'\r\n'), 16)
        data = self.take(size)
        if self.take(2) != b'\r\n':
            raise AssertionError('no line break behind a chunk')
        return data

    def chunks(self):
        """The rest of a chunked body."""
        return b''.join(iter(self.chunk, b''))


def read_head(reader):
    lines = reader.until(b'\r\n\r\n').decode().split('\r\n')
    headers = dict(line.split(': ', 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers


def read_response(reader, method='GET'):
    """Status, headers, body of the next response on a connection."""
    status, headers = read_head(reader)
    if status == 100:
        return status, headers, b''
    if method == 'HEAD' or status == 204:
        return status, headers, b''
    if headers.get('transfer-encoding') == 'chunked':
        return status, headers, reader.chunks()
    return status, headers, reader.take(int(headers['content-length']))


def eventually(check, what):
    """Waits until check() holds."""
    end = time.monotonic() + SECONDS_MAX
    while not check():
        if time.monotonic() > end:
            raise AssertionError('never: ' + what)
        time.sleep(0.01)


def memory_kb(process, field='VmRSS'):
    with open('/proc/%d/status' % process.pid) as status:
        for line in status:
            if line.startswith(field + ':'):
                return int(line.split()[1])
    raise AssertionError(field)


def cpu_seconds(process):
    with open('/proc/%d/stat' % process.pid) as stat:
        fields = stat.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

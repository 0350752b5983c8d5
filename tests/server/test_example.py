"""What `make run` starts, and every command that it prints."""

import os
import re
import select
import signal
import subprocess
import tempfile
import time
import unittest

import weir

SCRIPT = os.path.join(os.path.dirname(__file__), '..', '..', 'docs', 'examples', 'run.sh')


class Run:
    """run.sh on any port with a data directory of its own."""

    def __init__(self, data, url='http://127.0.0.1:0'):
        self.process = subprocess.Popen(
            ['bash', SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, env={**os.environ, 'WEIR_URL': url, 'WEIR_DATA': data,
                                         'WEIR_BIN': os.path.dirname(weir.BINARY)})

    def until(self, mark):
        text = ''
        while mark not in text:
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError('it ended: ' + text + self.process.stderr.read())
            text += line
        return text

    def interrupt(self):
        """Ctrl-C goes to all of a terminal's processes."""
        os.killpg(self.process.pid, signal.SIGINT)
        out, err = self.process.communicate(timeout=weir.SECONDS_MAX)
        return self.process.returncode, out, err

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()


def first_output(command, stdin, mark):
    """What a command shows up to mark; it may be one that never ends."""
    process = subprocess.Popen(['bash', '-c', command], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    text, end = b'', time.monotonic() + weir.SECONDS_MAX
    try:
        process.stdin.write(stdin)
        process.stdin.flush()
        while mark not in text:
            if not select.select([process.stdout], [], [], max(end - time.monotonic(), 0))[0]:
                raise AssertionError('%s shows no %r: %r' % (command, mark, text))
            more = os.read(process.stdout.fileno(), 65536)
            if not more:
                raise AssertionError('%s ended without %r: %r' % (command, mark, text))
            text += more
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    return text.decode()


class Example(unittest.TestCase):
    def setUp(self):
        self.data = self.enterContext(tempfile.TemporaryDirectory())

    def start(self, **options):
        run = Run(os.path.join(self.data, 'd'), **options)
        self.addCleanup(run.kill)
        return run

    def test_every_printed_command_works(self):
        commands = re.findall(r'^    (\S.*)$', self.start().until('Ctrl-C ends'), re.M)
        self.assertEqual(len(commands), 4, commands)
        prompt, pull, push, websocket = commands
        self.assertIn('BIG_ORDERS', first_output(prompt, b'SHOW STREAMS;\n', b'orders'))
        weir.eventually(lambda: '"row"' in first_output(pull, b'', b']\n'), 'a row of the table')
        self.assertIn('"columnNames"', first_output(push, b'', b'\n['))
        self.assertIn('"columns"', first_output(websocket, b'', b'"row"'))

    def test_ctrl_c_ends_it_and_a_second_start_goes_on(self):
        first = self.start()
        first.until('Ctrl-C ends')
        code, out, err = first.interrupt()
        self.assertEqual(code, 0, err)
        self.assertIn('ended; the data is in', out)
        self.assertIn('4 statements applied, 0 already in force', err)
        second = self.start()
        second.until('Ctrl-C ends')
        code, _, err = second.interrupt()
        self.assertEqual(code, 0, err)
        self.assertIn('0 statements applied, 4 already in force', err)

    def test_busy_port_ends_it_with_what_to_do(self):
        with weir.Server() as server:
            run = self.start(url='http://127.0.0.1:%d' % server.port)
            _, err = run.process.communicate(timeout=weir.SECONDS_MAX)
        self.assertEqual(run.process.returncode, 1)
        self.assertIn('the port is in use', err)
        self.assertIn('WEIR_URL=', err)


if __name__ == '__main__':
    weir.main()

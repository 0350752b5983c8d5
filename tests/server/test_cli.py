"""The command weir against a real server: scripts by exit codes, sessions on a terminal."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

import weir

WEIR = None
STREAM = ("CREATE STREAM s (id STRING KEY, v INT) "
          "WITH (KAFKA_TOPIC = 's', PARTITIONS = 1, VALUE_FORMAT = 'JSON');")


def run(server, *args, stdin=''):
    url = [] if server is None else ['--server', f'http://127.0.0.1:{server.port}']
    done = subprocess.run([WEIR, *url, *args], input=stdin, capture_output=True, text=True,
                          timeout=weir.SECONDS_MAX, env={**os.environ, 'COLUMNS': '40'})
    return done.returncode, done.stdout, done.stderr


def documents(text):
    decoder, found, at = json.JSONDecoder(), [], 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        document, at = decoder.raw_decode(text, at)
        found.append(document)
    return found


class Scripts(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(weir.Server())

    def weir(self, *args, stdin=''):
        return run(self.server, *args, stdin=stdin)

    def test_statements_run_and_results_are_a_table(self):
        code, out, err = self.weir('-e', STREAM + "INSERT INTO s VALUES ('a', 1);"
                                   "SET 'auto.offset.reset' = 'earliest';"
                                   "SELECT * FROM s EMIT CHANGES LIMIT 1")
        self.assertEqual((code, err), (0, ''))
        self.assertIn('Stream created', out)
        self.assertTrue(out.endswith('+------------------+------------------+\n'
                                     '|ID                |V                 |\n'
                                     '+------------------+------------------+\n'
                                     '|a                 |1                 |\n'), out)

    def test_json_is_documents(self):
        self.assertEqual(self.weir('-e', STREAM + "INSERT INTO s VALUES ('a', 1);")[0], 0)
        code, out, _ = self.weir('--output', 'JSON', '-e', 'SELECT v FROM s; SHOW STREAMS;')
        header, row, *_, entities = documents(out)
        self.assertEqual(code, 0)
        self.assertIn('`V` INTEGER', header['header']['schema'])
        self.assertEqual(row, {'row': {'columns': [1]}})
        self.assertIn('S', [stream['name'] for stream in entities[0]['streams']])

    def test_failed_statement_stops_the_script(self):
        code, out, err = self.weir('-e', 'SELECT nope FROM nothing; SHOW STREAMS;')
        self.assertEqual((code, out), (1, ''))
        self.assertIn('line 1, column 18: ', err)
        self.assertIn('^^^^^^^', err)
        self.assertNotIn('\x1b', err)

    def test_error_in_a_file_has_the_line_of_the_file(self):
        with tempfile.NamedTemporaryFile('w', suffix='.sql') as file:
            file.write(STREAM + '\n-- why; not\n\nSHOW STREAMS; SELECT\n  x FROM s;\n')
            file.flush()
            code, out, err = self.weir('-f', file.name)
        self.assertEqual(code, 1)
        self.assertIn('Stream created', out)
        self.assertIn('line 5, column 3: unknown column "X"', err)

    def test_file_of_windows_is_read(self):
        with tempfile.NamedTemporaryFile('wb', suffix='.sql') as file:
            file.write(b'\xef\xbb\xbfSHOW STREAMS;\r\nSHOW\r\n  TABLES;\r\n')
            file.flush()
            code, out, err = self.weir('-f', file.name)
        self.assertEqual((code, err), (0, ''))
        self.assertIn('Table Name', out)

    def test_last_statement_that_does_not_end_has_its_place(self):
        with tempfile.NamedTemporaryFile('w', suffix='.sql') as file:
            file.write('SHOW STREAMS;\n\nSHOW TABLES\n')
            file.flush()
            code, out, err = self.weir('-f', file.name)
        self.assertEqual(code, 1)
        self.assertIn('Stream Name', out)
        self.assertIn('line 3, column 12: the last statement does not end', err)

    def test_statements_of_one_request_run_all_or_none(self):
        code, _, err = self.weir('-e', STREAM + 'DROP STREAM nothing;')
        self.assertEqual(code, 1)
        self.assertIn('NOTHING', err)
        self.assertEqual(self.weir('-e', STREAM)[0], 0)

    def test_standard_input_is_a_script(self):
        code, out, _ = self.weir(stdin=STREAM + '\nSHOW\nTABLES;\n')
        self.assertEqual(code, 0)
        self.assertIn('Table Name', out)
        self.assertNotIn('weir>', out)
        self.assertEqual(self.weir(stdin='SHOW TABLES')[0], 1)

    def test_errors_have_the_lines_of_the_standard_input(self):
        for sql, place in (('\nSHOW TABLES;\n\nSHOW\n  TABLS;\n', 'line 5, column 3: '),
                           ('SHOW TABLES; DROP\n STREAM nothing;', 'line 2, column 9: '),
                           ('SHOW TABLES; SHOW TYPES;  DROP STREAM no;', 'line 1, column 39: '),
                           ('\n-- SHOW;\n\nSELECT * FROM nothing;', 'line 4, column 15: '),
                           ('SHOW TABLES;\n\nSHOW TABLES', 'line 3, column 12: '),
                           ('SHOW TABLES;\noutput json\n\nSHOW TABLS;', 'line 4, column 6: ')):
            code, _, err = self.weir(stdin=sql)
            self.assertEqual((code, err[:len(place)]), (1, place))

    def test_variables_and_properties_live_for_the_session(self):
        create = STREAM.replace('STREAM s', 'STREAM ${name}')
        code, out, err = self.weir('-d', 'name=s', '-e', create + "DEFINE v = '${name}!';"
                                   "SHOW VARIABLES; DESCRIBE ${name};")
        self.assertEqual((code, err), (0, ''))
        self.assertIn('v             | s!', out)
        self.assertIn('Name             : S', out)
        self.assertIn('unknown property', self.weir('-e', "SET 'no.such' = '1'")[2])

    def test_limits_end_an_endless_query(self):
        self.assertEqual(self.weir('-e', STREAM)[0], 0)
        begin = time.monotonic()
        code, out, _ = self.weir('--query-timeout', '300', '-e', 'SELECT * FROM s EMIT CHANGES')
        self.assertEqual(code, 0)
        self.assertIn('|ID', out)
        self.assertLess(time.monotonic() - begin, 10)

    def test_script_runs_a_script(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'a.sql')
            with open(path, 'w', encoding='utf-8') as file:
                file.write(f"RUN SCRIPT '{path}';")
            code, _, err = self.weir('-e', f"RUN SCRIPT '{path}'")
        self.assertEqual(code, 1)
        self.assertIn('scripts run scripts more than 16 deep', err)

    def test_generator_sends_rows(self):
        self.assertEqual(self.weir('-e', STREAM)[0], 0)
        code, out, err = self.datagen('users', '--create', '--iterations', '5', '--rate', '-1')
        self.assertEqual((code, err), (0, ''))
        self.assertEqual(len(out.splitlines()), 5)
        found = documents(self.weir('--output', 'JSON', '-e', 'SELECT userid FROM users')[1])
        self.assertEqual(len([document for document in found if 'row' in document]), 5)
        code, out, err = self.datagen('orders', '--iterations', '1')
        self.assertEqual((code, out), (1, ''))
        self.assertIn('--create', err)

    def datagen(self, *args):
        done = subprocess.run([WEIR, 'datagen', *args, '--server',
                               f'http://127.0.0.1:{self.server.port}'],
                              capture_output=True, text=True, timeout=weir.SECONDS_MAX)
        return done.returncode, done.stdout, done.stderr

    def test_ctrl_c_ends_a_script(self):
        self.assertEqual(self.weir('-e', STREAM)[0], 0)
        process = subprocess.Popen(
            [WEIR, '--server', f'http://127.0.0.1:{self.server.port}', '-e',
             'SELECT * FROM s EMIT CHANGES; SHOW STREAMS;'],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with process:
            self.assertTrue(process.stdout.readline().startswith('+--'))
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=weir.SECONDS_MAX)
        self.assertEqual(process.returncode, 130)
        self.assertNotIn('Stream Name', out)


class WithoutServer(unittest.TestCase):
    def test_server_that_hangs_up_is_named(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            def hang_up():
                for _ in range(2):  # curl tries once more
                    listener.settimeout(weir.SECONDS_MAX)
                    connection = listener.accept()[0]
                    connection.recv(65536)
                    connection.close()
            thread = threading.Thread(target=hang_up, daemon=True)
            thread.start()
            code, _, err = run(None, '--server', 'http://127.0.0.1:%d' % listener.getsockname()[1],
                               '-e', 'SHOW STREAMS')
        self.assertEqual(code, 3)
        self.assertIn('closed the connection', err)

    def test_nobody_listens(self):
        code, out, err = run(None, '--server', 'http://127.0.0.1:9', '-e', 'SHOW STREAMS')
        self.assertEqual((code, out), (3, ''))
        self.assertIn('could not reach the server at http://127.0.0.1:9', err)
        self.assertIn('weir-server', err)

    def test_command_line(self):
        self.assertEqual(run(None, '--servr')[0], 2)
        self.assertEqual(run(None, '--server', 'ftp://x', '-e', 'x')[0], 2)
        self.assertEqual(run(None, '--server', 'http://127.0.0.1:99999', '-e', 'x')[0], 2)
        self.assertEqual(run(None, '--help')[0], 0)
        self.assertRegex(run(None, '--version')[1], r'^weir \d+\.\d+\.\d+\n$')

    def test_statement_that_does_not_end(self):
        code, _, err = run(None, '-e', "SHOW 'x")
        self.assertEqual(code, 1)
        self.assertIn('line 1, column 6: string is not closed', err)


class Terminal:
    """weir on a terminal of its own, 60 columns wide."""

    def __init__(self, server, home):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(HOME=home, TERM='dumb', NO_COLOR='1', LC_ALL='C.UTF-8')
            os.execv(WEIR, [WEIR, '--server', f'http://127.0.0.1:{server.port}'])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 60, 0, 0))
        self.text = ''

    def until(self, pattern):
        """Reads until pattern has been shown; what was shown up to there."""
        end = time.monotonic() + weir.SECONDS_MAX
        while not (found := re.search(pattern, self.text)):
            left = end - time.monotonic()
            readable = select.select([self.fd], [], [], max(left, 0))[0]
            if not readable:
                raise AssertionError(f'{pattern!r} was not shown, but {self.text!r}')
            try:
                part = os.read(self.fd, 65536)
            except OSError:
                part = b''
            if not part:
                raise AssertionError(f'it ended before {pattern!r}: {self.text!r}')
            self.text += part.decode(errors='replace').replace('\r', '')
        shown, self.text = self.text[:found.end()], self.text[found.end():]
        return shown

    def type(self, text):
        os.write(self.fd, text.encode())

    def close(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.close(self.fd)

    def wait(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class WithoutCluster(unittest.TestCase):
    """A server that waits for its Kafka cluster."""

    def setUp(self):
        self.server = self.enterContext(weir.Server(
            '-o', 'bootstrap.servers=127.0.0.1:%d' % weir.closed_port(), awaits_ready=False))

    def test_script_fails_with_the_reason(self):
        self.assertEqual(self.server.get('/chc/ready')[0], 200)
        for sql in ('SHOW STREAMS;', 'SELECT * FROM s;'):
            code, _, err = run(self.server, '-e', sql)
            self.assertEqual(code, 1)
            self.assertIn('the server is starting', err)

    def test_session_says_it_and_goes_on(self):
        home = self.enterContext(tempfile.TemporaryDirectory())
        weir.eventually(lambda: 'refused' in self.server.log_text(), 'the server knows why')
        terminal = Terminal(self.server, home)
        self.addCleanup(terminal.close)
        terminal.until(r'the server is starting: Kafka: [^;]*; check that the brokers')
        terminal.until('weir> ')
        for sql in ('SHOW STREAMS;\n', 'SELECT * FROM s EMIT CHANGES;\n'):
            terminal.type(sql)
            terminal.until('the server is starting: Kafka: ')
            terminal.until('weir> ')


class Sessions(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(weir.Server())
        self.home = self.enterContext(tempfile.TemporaryDirectory())
        self.assertEqual(run(self.server, '-e', STREAM)[0], 0)
        self.terminal = self.open()

    def open(self):
        terminal = Terminal(self.server, self.home)
        self.addCleanup(terminal.close)
        terminal.until(r'server \S+ at http://127.0.0.1:\d+: RUNNING\n')
        terminal.until('weir> ')
        return terminal

    def insert(self, value):
        sql = f"INSERT INTO s VALUES ('k', {value});"
        self.assertEqual(run(self.server, '-e', sql)[0], 0)

    def test_statement_over_several_lines(self):
        self.terminal.type("SHOW -- ; not here\n")
        self.terminal.until('    > ')
        self.terminal.type('STREAMS;\n')
        self.terminal.until('Stream Name')
        self.terminal.until('weir> ')

    def test_ctrl_c_ends_the_query_and_not_the_session(self):
        self.terminal.type('SELECT * FROM s EMIT CHANGES;\n')
        self.terminal.until(r'\|ID +\|V +\|\n\+-+\+-+\+\n')
        self.insert(41)
        self.terminal.until(r'\|k +\|41 +\|\n')
        self.insert(42)
        self.terminal.until(r'\|k +\|42 +\|\n')
        self.terminal.type('\x03')
        self.terminal.until('Query terminated')
        self.terminal.until('weir> ')
        self.terminal.type('SHOW TABLES;\n')
        self.terminal.until('Table Name')

    def test_ctrl_c_drops_the_line(self):
        self.terminal.type('SELECT\n')
        self.terminal.until('    > ')
        self.terminal.type('something wrong\x03')
        self.terminal.until(r'\^C\nweir> ')
        self.terminal.type('SHOW TABLES;\n')
        self.terminal.until('Table Name')

    def test_error_has_line_caret_and_hint(self):
        self.terminal.type('SELECT w FROM s;\n')
        shown = self.terminal.until('hint: ')
        self.assertEqual(shown.count('unknown column "W"'), 1)
        self.assertIn('  SELECT w FROM s;\n         ^\n', shown)

    def test_rows_fit_the_terminal(self):
        self.insert(7)
        self.terminal.type('SELECT * FROM s;\n')
        shown = self.terminal.until(r'\|k[^\n]*\n')
        self.assertEqual({len(line) for line in shown.splitlines() if line[:1] in '+|' and line},
                         {59})

    def test_refused_query_has_not_been_terminated(self):
        self.terminal.type('SELECT w FROM s;\n')
        self.assertNotIn('Query terminated', self.terminal.until('weir> '))

    def test_setting_of_a_wrong_value_is_refused(self):
        self.terminal.type("SET 'auto.offset.reset' = 'middle';\n")
        self.terminal.until('takes earliest or latest, not "middle"')
        self.terminal.until('weir> ')
        self.terminal.type("SET 'auto.offset.rset' = 'latest';\n")
        self.terminal.until('did you mean "auto.offset.reset"')
        self.terminal.until('weir> ')
        self.terminal.type("UNSET 'auto.offset.reset';\n")
        self.terminal.until('was not set')

    def test_tab_expands_shortcuts_and_is_a_blank_elsewhere(self):
        self.terminal.type('cs\tx (v INT)\n')
        self.terminal.until('    > ')
        self.terminal.type("\tWITH (\tKAFKA_TOPIC='x', PARTITIONS=1, VALUE_FORMAT='JSON');\n")
        self.terminal.until('Stream created')
        self.terminal.until('weir> ')
        self.terminal.type('SELECT\tv FROM s;\n')
        self.terminal.until(r'\|V +\|\n')

    def test_lists_fit_the_terminal(self):
        self.terminal.type("CREATE STREAM l (a STRUCT<first INT, second STRING, third DOUBLE>) "
                           "WITH (KAFKA_TOPIC='l', PARTITIONS=1, VALUE_FORMAT='JSON');\n")
        self.terminal.until('Stream created')
        self.terminal.until('weir> ')
        self.terminal.type('DESCRIBE l;\n')
        shown = self.terminal.until('\n-+\n(.*\n)+?-+\n')
        self.assertLessEqual(max(len(line) for line in shown.splitlines()), 60)
        self.assertIn('SECOND', shown)

    def test_settings_stay_until_they_are_unset(self):
        self.insert(5)
        self.terminal.type("SET 'auto.offset.reset' = 'earliest';\n")
        self.terminal.until("Successfully changed local property 'auto.offset.reset'")
        self.terminal.type('SELECT v FROM s EMIT CHANGES LIMIT 1;\n')
        self.terminal.until(r'\|5 +\|\n')
        self.terminal.until('Limit Reached\nQuery terminated\n')
        self.terminal.type("UNSET 'auto.offset.reset';\n")
        self.terminal.until('Successfully unset')

    def test_local_commands(self):
        self.terminal.type('output json;\n')
        self.terminal.until('Output format is JSON')
        self.terminal.type('SHOW TABLES;\n')
        self.terminal.until('"@type": "tables"')
        self.terminal.type('OUTPUT TABULAR\n')
        self.terminal.until('Output format is TABULAR')
        spool = os.path.join(self.home, 'spool')
        self.terminal.type(f"spool '{spool}'\n")
        self.terminal.until('is written to')
        self.terminal.type('SHOW TABLES;\nspool off\nset cli wrap sideways\n')
        self.terminal.until('ON or OFF is expected')
        with open(spool, encoding='utf-8') as file:
            text = file.read()
        self.assertIn('weir> SHOW TABLES;', text)
        self.assertIn('Table Name', text)
        self.terminal.type('server http://127.0.0.1:9\n')
        self.terminal.until('could not reach the server')

    def test_history_is_kept_between_sessions(self):
        self.terminal.type('SHOW\nTABLES;\n')
        self.terminal.until('Table Name')
        self.terminal.until('weir> ')
        self.terminal.type('\x04')
        self.terminal.until('Exiting weir.')
        self.assertEqual(self.terminal.wait(), 0)
        again = self.open()
        again.type('history\n')
        again.until('1: SHOW TABLES;')
        again.type('!1\n')
        again.until('Table Name')


if __name__ == '__main__':
    WEIR = sys.argv.pop(2)
    weir.main()

"""Starting and ending: the ready line, exit codes, what stays, statements in a file."""

import json
import os
import re
import signal
import socket
import tempfile
import time
import unittest

import weir


class Start(unittest.TestCase):
    def test_ready_line_names_the_port(self):
        with weir.Server() as server:
            self.assertRegex(server.ready_line,
                             r'^ready on http://127\.0\.0\.1:[1-9]\d* in \d+ ms\n$')
            self.assertEqual(server.get('/info')[0], 200)

    def test_several_listeners_all_serve(self):
        both = 'listeners=http://127.0.0.1:0, http://[::1]:0'
        with weir.Server('-o', both) as server:
            urls = re.match(r'ready on http://127.0.0.1:(\d+),http://\[::1\]:(\d+) in',
                            server.ready_line)
            self.assertTrue(urls, server.ready_line)
            with socket.create_connection(('::1', int(urls[2])), 5) as sock:
                sock.sendall(weir.request('GET', '/info'))
                self.assertEqual(weir.read_response(weir.Reader(sock))[0], 200)

    def test_help_and_version(self):
        code, out, _ = weir.run('--help')
        self.assertEqual(code, 0)
        self.assertIn('usage: weir-server', out)
        code, out, _ = weir.run('--version')
        self.assertEqual(code, 0)
        self.assertRegex(out, r'^weir-server \d+\.\d+\.\d+\n$')

    def test_signals_end_it_with_code_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with weir.Server() as server:
                with server.connect() as idle:
                    self.assertEqual(server.stop(number), 0)
                    self.assertEqual(weir.read_all(idle), b'')

    def test_idle_server_is_small_and_quiet(self):
        with weir.Server() as server:
            server.get('/info')
            if not weir.IS_SANITIZED:
                self.assertLess(weir.memory_kb(server.process), 15 * 1024)
            before = weir.cpu_seconds(server.process)
            with server.connect():
                time.sleep(0.5)
            self.assertLess(weir.cpu_seconds(server.process) - before, 0.1)


class Refusals(unittest.TestCase):
    def assert_refused(self, code, text, *args):
        got, out, log = weir.run(*args)
        self.assertEqual(got, code, log)
        self.assertIn(text, log)
        self.assertNotIn('ready', out)

    def test_busy_port(self):
        with weir.Server() as server, tempfile.TemporaryDirectory() as data:
            self.assert_refused(1, 'the port is in use', '--data', data, '-o',
                                'listeners=http://127.0.0.1:%d' % server.port)

    def test_data_directory_of_another_server(self):
        with weir.Server() as server:
            self.assert_refused(1, 'in use by another server', '--data', server.data, '-o',
                                'listeners=http://127.0.0.1:0')

    def test_command_line_and_properties(self):
        self.assert_refused(2, 'did you mean "listeners"', '-o', 'listenerz=http://x')
        self.assert_refused(2, 'unknown property "weir.frobnicate"', '-o', 'weir.frobnicate=1')
        self.assert_refused(2, 'unknown option "--frob"', '--frob')
        self.assert_refused(2, 'TLS is not supported', '-o', 'listeners=https://127.0.0.1:0')
        self.assert_refused(2, 'malformed listener', '-o', 'listeners=127.0.0.1:0')

    def test_kafka_setting_that_cannot_be_used(self):
        self.assert_refused(2, 'cannot use property "ssl.ca.location.x"', '-o',
                            'ssl.ca.location.x=y', '-o', 'bootstrap.servers=127.0.0.1:9',
                            '-o', 'listeners=http://127.0.0.1:0')

    def test_public_address_is_warned_about(self):
        with weir.Server('-o', 'listeners=http://0.0.0.0:0') as server:
            self.assertIn('public address without authentication', server.log_text())


class Restart(unittest.TestCase):
    def test_queries_run_on_the_host_that_is_served(self):
        with weir.Server() as server:
            server.sql("CREATE STREAM s (v STRING) WITH (kafka_topic='s', partitions=1, "
                       "value_format='JSON'); CREATE STREAM t AS SELECT * FROM s;")
            described = server.sql('EXPLAIN %s;' % server.running()[0])[0]['queryDescription']
            self.assertEqual(described['ksqlHostQueryStatus'],
                             {'127.0.0.1:%d' % server.port: 'RUNNING'})

    def test_statements_stay(self):
        with weir.Server() as server:
            server.sql("CREATE STREAM s (k INT KEY, v STRING) WITH (kafka_topic='s', "
                       "partitions=2, value_format='JSON');")
            server.sql("CREATE STREAM t AS SELECT * FROM s WHERE v <> 'x';")
            queries = server.running()
            self.assertEqual(len(queries), 1)
            self.assertEqual(server.restart(), 0)
            self.assertEqual(server.running(), queries)
            names = [s['name'] for s in server.sql('SHOW STREAMS;')[0]['streams']]
            self.assertEqual([name for name in names if name in 'ST'], ['S', 'T'])

    def test_processing_log_stays_as_it_was_made(self):
        with weir.Server() as server:
            self.assertEqual(server.stop(), 0)
            server.options = ('-o', 'ksql.logging.processing.topic.partitions=4')
            server.start()
            self.assertEqual(server.get('/info')[0], 200)


class WithoutCluster(unittest.TestCase):
    """Kafka's address is a port that nobody listens on."""

    def setUp(self):
        self.server = self.enterContext(weir.Server(
            '-o', 'bootstrap.servers=127.0.0.1:%d' % weir.closed_port(), awaits_ready=False))

    def health(self):
        status, _, body = self.server.get('/healthcheck')
        self.assertEqual(status, 200)
        return json.loads(body)

    def await_said(self):
        weir.eventually(lambda: not self.health()['details']['kafka']['isHealthy'],
                        '/healthcheck says what is waited for')

    def assert_said(self, text):
        self.assertIn('Connection refused', text)
        self.assertIn('check that the brokers of bootstrap.servers run', text)
        self.assertNotIn('in state', text)

    def test_healthcheck_says_why_and_what_to_do(self):
        self.assertFalse(self.health()['isHealthy'])
        self.await_said()
        health = self.health()
        self.assertEqual(health['serverState'], 'INITIALIZING')
        self.assert_said(health['details']['kafka']['message'])
        self.assert_said(health['details']['commandRunner']['message'])
        self.assertEqual(self.server.get('/chc/ready')[0], 200)
        self.assertEqual(self.server.stop(), 0)

    def test_every_request_is_told_to_come_again(self):
        self.await_said()
        for method, path, body in (('POST', '/ksql', b'{"ksql":"SHOW STREAMS;"}'),
                                   ('POST', '/query', b'{"ksql":"SELECT * FROM s;"}'),
                                   ('POST', '/query-stream', b'{"sql":"SELECT * FROM s;"}'),
                                   ('POST', '/close-query', b'{"queryId":"q"}'),
                                   ('POST', '/ksql/terminate', b'{}'),
                                   ('GET', '/info', b''), ('GET', '/status', b'')):
            status, headers, answer = self.server.request(method, path, body)
            self.assertEqual((status, headers['retry-after']), (503, '10'), path)
            error = json.loads(answer)
            self.assertEqual((error['@type'], error['error_code']), ('generic_error', 50302))
            self.assert_said(error['message'])

    def test_log_says_it_once(self):
        self.await_said()
        time.sleep(2.5)  # librdkafka tries each second
        told = [line for line in self.server.log_text().splitlines() if 'refused' in line]
        self.assertEqual(len(told), 1, told)
        self.assert_said(told[0])
        self.assertIn('listening on http://127.0.0.1:%d' % self.server.port,
                      self.server.log_text())

    def test_signals_end_it_soon(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            began = time.monotonic()
            self.assertEqual(self.server.stop(number), 0)
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(self.server.process.stdout.read(), '')
            self.assertIn('closed', self.server.log_text())
            self.server._close_files()
            self.server.begin()


class QueriesFile(unittest.TestCase):
    BASE = ("SET 'auto.offset.reset' = 'earliest';\n"
            "DEFINE place = 'orders';\n"
            "CREATE STREAM orders (id INT KEY, v STRING)\n"
            "  WITH (kafka_topic='${place}', partitions=1, value_format='JSON');\n")
    BIG = "CREATE STREAM big AS SELECT id, v FROM orders WHERE v <> 'a';\n"

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.dir.name, 'q.sql')

    def tearDown(self):
        self.dir.cleanup()

    def write(self, *parts):
        with open(self.path, 'w') as file:
            file.write(''.join(parts))

    def refused(self, data):
        code, _, log = weir.run('--data', data, '--queries', self.path, '-o',
                                'listeners=http://127.0.0.1:0')
        self.assertEqual(code, 1, log)
        return log

    def test_second_start_changes_nothing(self):
        self.write(self.BASE, self.BIG)
        with weir.Server('--queries', self.path) as server:
            self.assertIn('2 statements applied, 0 already in force', server.log_text())
            queries = server.running()
            self.assertEqual(server.restart(), 0)
            self.assertIn('0 statements applied, 2 already in force', server.log_text())
            self.assertEqual(server.running(), queries)

    def test_text_that_only_looks_different_is_the_same(self):
        self.write(self.BASE, self.BIG)
        with weir.Server('--queries', self.path) as server:
            self.write(self.BASE, '-- again\ncreate or replace  stream BIG as '
                                  'select ID, V from ORDERS where (v <> \'a\');')
            server.restart()
            self.assertIn('0 statements applied, 2 already in force', server.log_text())

    def test_statement_gone_from_the_file_is_reported_and_stays(self):
        self.write(self.BASE, self.BIG)
        with weir.Server('--queries', self.path) as server:
            self.write(self.BASE)
            server.restart()
            self.assertIn('stream "BIG" is in force but not in', server.log_text())
            self.assertEqual(len(server.running()), 1)

    def test_changed_filter_replaces_the_query(self):
        self.write(self.BASE, self.BIG)
        with weir.Server('--queries', self.path) as server:
            self.write(self.BASE, self.BIG.replace("'a'", "'b'"))
            server.restart()
            self.assertIn('1 statement applied, 1 already in force', server.log_text())
            self.assertEqual(len(server.running()), 1)
            text = server.sql('SHOW QUERIES;')[0]['queries'][0]['queryString']
            self.assertIn("'b'", text)

    def test_mistakes_stop_the_start_with_their_place(self):
        with tempfile.TemporaryDirectory() as data:
            self.write(self.BASE, 'CREATE STREAM x AS SELECT nothing FROM orders;')
            self.assertRegex(self.refused(data), r'q\.sql:5:\d+: .*NOTHING')
            self.write(self.BASE, "INSERT INTO orders VALUES (1, 'a');")
            self.assertIn('inserted again at every start', self.refused(data))
            self.write(self.BASE, 'DROP STREAM orders;')
            self.assertIn('cannot stand in a queries file', self.refused(data))
            os.remove(self.path)
            self.assertIn('could not open the queries file', self.refused(data))


if __name__ == '__main__':
    weir.main()

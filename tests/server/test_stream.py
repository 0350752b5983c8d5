"""Push queries over HTTP: rows as chunks, clients that leave, clients that do not read."""

import json
import time
import unittest

import weir


class Stream(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = weir.Server('-o', 'weir.limit.push.queue.rows=2000',
                                 '-o', 'weir.limit.push.stall.ms=100').start()
        cls.server.sql("CREATE STREAM s (k INT KEY, v STRING) WITH (kafka_topic='s', "
                       "partitions=1, value_format='JSON');")

    @classmethod
    def tearDownClass(cls):
        cls.server.end()

    def tearDown(self):
        weir.eventually(lambda: self.server.running() == [], 'no query is left running')

    def insert(self, *rows):
        self.server.sql('INSERT INTO s VALUES ' + ', '.join("(%d, '%s')" % row for row in rows) +
                        ';')

    def push(self, sql='SELECT * FROM s EMIT CHANGES;', path='/query-stream'):
        """Opens a push query; gives its socket and what reads from it, behind the head."""
        sock = self.server.connect()
        field = 'sql' if path == '/query-stream' else 'ksql'
        sock.sendall(weir.request('POST', path, json.dumps({field: sql}).encode()))
        reader = weir.Reader(sock)
        status, headers = weir.read_head(reader)
        self.assertEqual(status, 200)
        self.assertEqual(headers['transfer-encoding'], 'chunked')
        return sock, reader

    def test_each_row_is_a_chunk_as_soon_as_it_is_there(self):
        sock, reader = self.push()
        with sock:
            header = json.loads(reader.chunk())
            self.assertEqual(header['columnNames'], ['K', 'V'])
            for i in range(3):
                begin = time.monotonic()
                self.insert((i, 'x'))
                self.assertEqual(json.loads(reader.chunk()), [i, 'x'])
                self.assertLess(time.monotonic() - begin, 5)

    def test_limit_ends_the_response_and_keeps_the_connection(self):
        sock, reader = self.push('SELECT * FROM s EMIT CHANGES LIMIT 2;', '/query')
        with sock:
            self.insert((1, 'a'), (2, 'b'), (3, 'c'))
            rows = json.loads(reader.chunks())
            self.assertEqual([r['row']['columns'] for r in rows if 'row' in r],
                             [[1, 'a'], [2, 'b']])
            sock.sendall(weir.request('GET', '/info'))
            self.assertEqual(weir.read_response(reader)[0], 200)

    def test_limit_of_no_rows_ends_without_a_row(self):
        for sql in ('SELECT * FROM s EMIT CHANGES LIMIT 0;', 'SELECT * FROM s LIMIT 0;'):
            sock, reader = self.push(sql, '/query')
            with sock:
                answer = json.loads(reader.chunks())
                self.assertEqual(answer[1:], [{'finalMessage': 'Limit Reached'}])
        weir.eventually(lambda: self.server.running() == [], 'the queries end')

    def test_client_that_leaves_ends_its_query_while_nothing_is_written(self):
        for leave in ('close', 'shutdown'):
            sock, reader = self.push()
            reader.chunk()
            self.assertEqual(len(self.server.running()), 1)
            if leave == 'shutdown':
                sock.shutdown(1)
            else:
                sock.close()
            weir.eventually(lambda: self.server.running() == [], 'the query ends')
            sock.close()

    def test_client_that_sends_more_and_leaves_does_not_spin_the_server(self):
        sock, reader = self.push()
        reader.chunk()
        sock.sendall(b'x')
        before = weir.cpu_seconds(self.server.process)
        time.sleep(0.5)
        self.assertLess(weir.cpu_seconds(self.server.process) - before, 0.2)
        sock.close()

    def test_print_is_lines_of_text_only(self):
        body = json.dumps({'sql': 'PRINT s FROM BEGINNING LIMIT 1;'}).encode()
        self.insert((1, 'a'))
        self.assertEqual(self.server.request('POST', '/query-stream', body)[0], 200)
        self.assertEqual(self.server.request('POST', '/query-stream', body,
                                             ['Accept: application/json'])[0], 406)

    def test_close_query_ends_the_response(self):
        sock, reader = self.push()
        with sock:
            query = json.loads(reader.chunk())['queryId']
            body = json.dumps({'queryId': query}).encode()
            self.assertEqual(self.server.request('POST', '/close-query', body)[0], 200)
            reader.chunks()

    def test_client_that_does_not_read_harms_nobody(self):
        slow, slow_reader = self.push()
        quick, reader = self.push()
        with slow, quick:
            reader.chunk()
            text = 'y' * 1000
            for first in range(0, 10000, 500):
                self.insert(*((i, text) for i in range(first, first + 500)))
                for i in range(first, first + 500):
                    self.assertEqual(json.loads(reader.chunk())[0], i)
            time.sleep(0.5)  # longer than the server waits for the slow one
            self.insert((10000, text))
            self.assertEqual(json.loads(reader.chunk())[0], 10000)
            time.sleep(0.5)  # the slow one's query has seen that row as well
            # It is cut off with an error, behind what its socket had taken.
            tail = slow_reader.chunks()
            self.assertIn(b'subscriber is too slow', tail.splitlines()[-1])

    def test_shutdown_ends_streams_in_order(self):
        with weir.Server() as server:
            server.sql("CREATE STREAM s (v STRING) WITH (kafka_topic='s', partitions=1, "
                       "value_format='JSON');")
            with server.connect() as sock:
                sock.sendall(weir.request('POST', '/query-stream', json.dumps(
                    {'sql': 'SELECT * FROM s EMIT CHANGES;'}).encode()))
                reader = weir.Reader(sock)
                weir.read_head(reader)
                reader.chunk()
                self.assertEqual(server.stop(), 0)
                self.assertIn(b'the server is shutting down', reader.chunks())


if __name__ == '__main__':
    weir.main()

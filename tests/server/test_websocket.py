"""GET /ws/query: handshake, rows, closing codes, clients that misbehave."""

import base64
import hashlib
import json
import os
import struct
import time
import unittest
import urllib.parse

import weir

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def accept_of(key):
    digest = hashlib.sha1((key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest()
    return base64.b64encode(digest).decode()


class Websocket:
    """The client's side of one websocket."""

    def __init__(self, server, request, more=b''):
        self.sock = server.connect()
        self.reader = weir.Reader(self.sock)
        key = base64.b64encode(os.urandom(16)).decode()
        path = '/ws/query?request=' + urllib.parse.quote(json.dumps(request))
        self.sock.sendall(weir.request('GET', path, headers=[
            'Upgrade: websocket', 'Connection: keep-alive, Upgrade', 'Sec-WebSocket-Version: 13',
            'Sec-WebSocket-Extensions: permessage-deflate',
            'Sec-WebSocket-Key: ' + key]) + more)
        status, self.headers = weir.read_head(self.reader)
        headers = {name.lower(): value for name, value in self.headers.items()}
        assert status == 101, status
        assert headers['sec-websocket-accept'] == accept_of(key), headers
        assert 'sec-websocket-extensions' not in headers, headers

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.sock.close()

    def frame(self):
        """Opcode and payload of the next frame."""
        first, second = self.reader.take(2)
        assert first & 0xf0 == 0x80, 'whole messages without extensions'
        length = second & 0x7f
        if length == 126:
            length, = struct.unpack('>H', self.reader.take(2))
        elif length == 127:
            length, = struct.unpack('>Q', self.reader.take(8))
        return first & 0xf, self.reader.take(length)

    def text(self):
        opcode, payload = self.frame()
        assert opcode == TEXT, (opcode, payload)
        return json.loads(payload)

    def close_code(self):
        """Skips to the closing frame: its code and reason."""
        while True:
            opcode, payload = self.frame()
            if opcode == CLOSE:
                return struct.unpack('>H', payload[:2])[0], payload[2:].decode()

    def send(self, opcode, payload):
        mask = b'\1\2\3\4'
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        if len(payload) < 126:
            head = bytes([0x80 | opcode, 0x80 | len(payload)])
        else:
            head = bytes([0x80 | opcode, 0x80 | 127]) + struct.pack('>Q', len(payload))
        self.sock.sendall(head + mask + masked)


class WithoutCluster(unittest.TestCase):
    def test_server_that_starts_says_why_and_closes_with_1013(self):
        with weir.Server('-o', 'bootstrap.servers=127.0.0.1:%d' % weir.closed_port(),
                         awaits_ready=False) as server:
            with Websocket(server, {'sql': 'SELECT * FROM s;'}) as ws:
                self.assertIn('the server is starting', ws.text()['error'])
                self.assertEqual(ws.close_code()[0], 1013)
            self.assertEqual(server.stop(), 0)


class Query(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = weir.Server('-o', 'weir.limit.push.queue.rows=2000',
                                 '-o', 'weir.limit.push.stall.ms=100',
                                 '-o', 'weir.limit.ws.frame.bytes=100000').start()
        cls.server.sql("CREATE STREAM s (k INT KEY, v STRING) WITH (kafka_topic='s', "
                       "partitions=1, value_format='JSON');")

    @classmethod
    def tearDownClass(cls):
        cls.server.end()

    def tearDown(self):
        weir.eventually(lambda: self.server.running() == [], 'no query is left running')

    def open(self, sql='SELECT * FROM s EMIT CHANGES;', **kwargs):
        return Websocket(self.server, {'ksql': sql}, **kwargs)

    def insert(self, *rows):
        self.server.sql('INSERT INTO s VALUES ' + ', '.join("(%d, '%s')" % row for row in rows) +
                        ';')

    def test_schema_comes_first_then_each_row(self):
        with self.open() as ws:
            self.assertEqual([field['name'] for field in ws.text()], ['K', 'V'])
            self.insert((1, 'a'), (2, 'b'))
            self.assertEqual(ws.text()['row']['columns'], [1, 'a'])
            self.assertEqual(ws.text()['row']['columns'], [2, 'b'])

    def test_end_is_a_message_and_code_1000(self):
        with self.open('SELECT * FROM s EMIT CHANGES LIMIT 1;') as ws:
            ws.text()
            self.insert((1, 'a'))
            ws.text()
            self.assertEqual(ws.text(), {'error': 'done'})
            self.assertEqual(ws.close_code(), (1000, 'done'))

    def test_bad_requests_close_with_1003(self):
        for sql in ('SELECT', 'SELECT * FROM nothing EMIT CHANGES;', 'SHOW STREAMS;', ''):
            with self.open(sql) as ws:
                self.assertIn('error', ws.text())
                code, reason = ws.close_code()
                self.assertEqual(code, 1003)
                self.assertLessEqual(len(reason), 123)

    def test_client_that_closes_ends_its_query(self):
        for leave in ('frame', 'socket'):
            with self.open() as ws:
                ws.text()
                self.assertEqual(len(self.server.running()), 1)
                if leave == 'frame':
                    ws.send(CLOSE, struct.pack('>H', 1000))
                    self.assertEqual(ws.close_code()[0], 1000)
            weir.eventually(lambda: self.server.running() == [], 'the query ends')

    def test_ping_is_answered_and_text_is_ignored(self):
        with self.open() as ws:
            ws.text()
            ws.send(TEXT, b'hello')
            ws.send(PING, b'are you there')
            self.assertEqual(ws.frame(), (PONG, b'are you there'))

    def test_message_over_the_limit_closes_with_1009(self):
        with self.open() as ws:
            ws.text()
            ws.send(TEXT, b'x' * 200000)
            self.assertEqual(ws.close_code()[0], 1009)

    def test_frames_sent_with_the_handshake_are_read(self):
        ping = b'\x89\x82\0\0\0\0hi'
        with self.open(more=ping) as ws:
            frames = [ws.frame(), ws.frame()]
            self.assertIn((PONG, b'hi'), frames)

    def test_long_statement_fits(self):
        with self.open("SELECT * FROM s WHERE v <> '%s' EMIT CHANGES;" % ('z' * 20000)) as ws:
            self.assertEqual(len(ws.text()), 2)

    def test_malformed_handshakes_are_refused(self):
        good = {'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Version': '13',
                'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ=='}
        for name, value, status in (('Upgrade', 'h2c', 426), ('Connection', 'close', 426),
                                    ('Sec-WebSocket-Version', '8', 426),
                                    ('Sec-WebSocket-Key', 'short', 400)):
            headers = ['%s: %s' % item for item in {**good, name: value}.items()]
            self.assertEqual(self.server.get('/ws/query', headers)[0], status)

    def test_client_that_does_not_read_harms_nobody(self):
        with self.open() as slow, self.open() as quick:
            slow.text()
            quick.text()
            text = 'y' * 1000
            for first in range(0, 10000, 500):
                self.insert(*((i, text) for i in range(first, first + 500)))
                for i in range(first, first + 500):
                    self.assertEqual(quick.text()['row']['columns'][0], i)
            time.sleep(0.5)  # longer than the server waits for the slow one
            self.insert((10000, text))
            self.assertEqual(quick.text()['row']['columns'][0], 10000)
            time.sleep(0.5)  # the slow one's query has seen that row as well
            code, reason = slow.close_code()
            self.assertEqual(code, 1011)
            self.assertIn('subscriber is too slow', reason)

    def test_idle_websocket_costs_no_time(self):
        with self.open() as ws:
            ws.text()
            before = weir.cpu_seconds(self.server.process)
            time.sleep(0.5)
            self.assertLess(weir.cpu_seconds(self.server.process) - before, 0.1)

    def test_shutdown_closes_with_a_code(self):
        with weir.Server() as server:
            server.sql("CREATE STREAM s (v STRING) WITH (kafka_topic='s', partitions=1, "
                       "value_format='JSON');")
            with Websocket(server, {'ksql': 'SELECT * FROM s EMIT CHANGES;'}) as ws:
                ws.text()
                self.assertEqual(server.stop(), 0)
                self.assertEqual(ws.text(), {'error': 'the server is shutting down'})
                self.assertEqual(ws.close_code()[0], 1013)


if __name__ == '__main__':
    weir.main()

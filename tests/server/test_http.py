"""HTTP/1.x over real sockets: framing, pipelines, limits, bad input."""

import json
import socket
import ssl
import unittest

import weir

INFO = weir.request('GET', '/info')


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = weir.Server('-o', 'access.control.allow.origin=http://*.example.com',
                                 '-o', 'weir.limit.connections=40').start()

    @classmethod
    def tearDownClass(cls):
        cls.server.end()

    def tearDown(self):
        """Whatever a test did, the server serves."""
        self.assertEqual(self.server.get('/info')[0], 200)

    def ksql(self, sql):
        return json.dumps({'ksql': sql}).encode()


class Connections(Http):
    def test_connection_is_kept(self):
        with self.server.connect() as sock:
            reader = weir.Reader(sock)
            for _ in range(3):
                sock.sendall(INFO)
                status, headers, body = weir.read_response(reader)
                self.assertEqual(status, 200)
                self.assertNotIn('connection', headers)
                self.assertIn('KsqlServerInfo', json.loads(body))

    def test_pipelined_requests_are_answered_in_order(self):
        paths = ['/info', '/nosuch', '/healthcheck', '/info', '/'] * 20
        sent = b''.join(weir.request('GET', path) for path in paths)
        expected = {'/info': 200, '/nosuch': 404, '/healthcheck': 200, '/': 307}
        with self.server.connect() as sock:
            sock.sendall(sent)
            reader = weir.Reader(sock)
            for path in paths:
                self.assertEqual(weir.read_response(reader)[0], expected[path])

    def test_pipelined_statements_wait_for_each_other(self):
        sent = b''.join(
            weir.request('POST', '/ksql', self.ksql(sql))
            for sql in ("CREATE STREAM p (v STRING) WITH (kafka_topic='p', partitions=1, "
                        "value_format='JSON');", 'DESCRIBE p;', 'DROP STREAM p;'))
        with self.server.connect() as sock:
            sock.sendall(sent)
            reader = weir.Reader(sock)
            for kind in ('currentStatus', 'sourceDescription', 'currentStatus'):
                status, _, body = weir.read_response(reader)
                self.assertEqual(status, 200, body)
                self.assertEqual(json.loads(body)[0]['@type'], kind)

    def test_request_in_single_bytes(self):
        with self.server.connect() as sock:
            for byte in weir.request('POST', '/ksql', self.ksql('SHOW STREAMS;')):
                sock.sendall(bytes([byte]))
            self.assertEqual(weir.read_response(weir.Reader(sock))[0], 200)

    def test_close_is_honoured(self):
        answer = self.server.exchange(weir.request('GET', '/info', headers=['Connection: close']))
        self.assertIn(b'\r\nconnection: close\r\n', answer)

    def test_http_1_0_closes_unless_asked(self):
        answer = self.server.exchange(b'GET /info HTTP/1.0\r\n\r\n')
        self.assertTrue(answer.startswith(b'HTTP/1.0 200 '), answer)
        with self.server.connect() as sock:
            reader = weir.Reader(sock)
            for _ in range(2):
                sock.sendall(b'GET /info HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
                status, headers, _ = weir.read_response(reader)
                self.assertEqual((status, headers['connection']), (200, 'keep-alive'))

    def test_half_closed_client_gets_its_answer(self):
        with self.server.connect() as sock:
            sock.sendall(weir.request('POST', '/ksql', self.ksql('SHOW TABLES;')))
            sock.shutdown(socket.SHUT_WR)
            self.assertEqual(weir.read_response(weir.Reader(sock))[0], 200)
            self.assertEqual(weir.read_all(sock), b'')

    def test_head_has_no_body(self):
        with self.server.connect() as sock:
            reader = weir.Reader(sock)
            sock.sendall(weir.request('HEAD', '/info') + INFO)
            status, headers, _ = weir.read_response(reader, 'HEAD')
            self.assertEqual(status, 200)
            self.assertGreater(int(headers['content-length']), 0)
            self.assertEqual(weir.read_response(reader)[0], 200)

    def test_upgrade_to_h2c_is_ignored(self):
        status, _, _ = self.server.get('/info', ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'])
        self.assertEqual(status, 200)

    def test_more_connections_than_allowed_are_told_so(self):
        open_ones = [self.server.connect() for _ in range(40)]
        answer = self.server.exchange(b'')
        self.assertTrue(answer.startswith(b'HTTP/1.1 503 '), answer)
        self.assertIn(b'weir.limit.connections', answer)
        for sock in open_ones:
            sock.close()
        weir.eventually(lambda: self.server.get('/info')[0] == 200, 'places are free again')


class Bodies(Http):
    def test_chunked_body_is_decoded(self):
        body = self.ksql('SHOW STREAMS;')
        head = weir.request('POST', '/ksql', headers=['Transfer-Encoding: chunked'])
        chunks = b''.join(b'%x;x=y\r\n%s\r\n' % (len(body[i:i + 5]), body[i:i + 5])
                          for i in range(0, len(body), 5))
        with self.server.connect() as sock:
            sock.sendall(head + chunks + b'0\r\nTrailer: t\r\n\r\n' + INFO)
            reader = weir.Reader(sock)
            status, _, answer = weir.read_response(reader)
            self.assertEqual((status, json.loads(answer)[0]['@type']), (200, 'streams'))
            self.assertEqual(weir.read_response(reader)[0], 200)

    def test_continue_is_said_when_the_client_waits(self):
        body = self.ksql('SHOW STREAMS;')
        head = weir.request('POST', '/ksql', headers=['Expect: 100-continue',
                                                      'Content-Length: %d' % len(body)])
        with self.server.connect() as sock:
            sock.sendall(head)
            reader = weir.Reader(sock)
            self.assertEqual(weir.read_response(reader)[0], 100)
            sock.sendall(body)
            self.assertEqual(weir.read_response(reader)[0], 200)

    def test_body_of_100_mb_is_refused_and_costs_no_memory(self):
        piece = b' ' * (1 << 20)
        before = weir.memory_kb(self.server.process)
        with self.server.connect() as sock:
            sock.sendall(weir.request('POST', '/ksql', headers=['Content-Length: %d' %
                                                                (100 << 20)]))
            for _ in range(100):
                sock.sendall(piece)
            status, headers, body = weir.read_response(weir.Reader(sock))
        self.assertEqual(status, 413)
        self.assertEqual(headers['connection'], 'close')
        self.assertEqual(json.loads(body)['error_code'], 41300)
        self.assertIn('weir.limit.body.bytes', json.loads(body)['message'])
        if not weir.IS_SANITIZED:
            self.assertLess(weir.memory_kb(self.server.process) - before, 20 << 10)

    def test_chunked_body_without_end_is_refused(self):
        piece = b'100000\r\n' + b' ' * (1 << 20) + b'\r\n'
        with self.server.connect() as sock:
            sock.sendall(weir.request('POST', '/ksql', headers=['Transfer-Encoding: chunked']))
            for _ in range(20):
                sock.sendall(piece)
            self.assertEqual(weir.read_response(weir.Reader(sock))[0], 413)

    def test_body_just_below_the_limit_is_read(self):
        body = json.dumps({'ksql': 'SHOW STREAMS;', 'pad': 'x' * (15 << 20)}).encode()
        status, _, answer = self.server.request('POST', '/ksql', body)
        self.assertEqual(status, 200, answer[:200])

    def test_deep_parentheses_are_an_error(self):
        deep = 'SELECT ' + '(' * 100000 + '1' + ')' * 100000 + ' FROM s;'
        for path, field in (('/ksql', 'ksql'), ('/query', 'ksql'), ('/query-stream', 'sql')):
            status, _, body = self.server.request('POST', path, json.dumps({field: deep}).encode())
            self.assertEqual(status, 400, body)
            self.assertIn('error_code', json.loads(body))

    def test_bad_json_is_an_error(self):
        for body in (b'{', b'[]', b'"', b'\xff\xfe', b'{"ksql":1}', b'[' * 100000,
                     b'{"ksql":"SHOW STREAMS;\\ud800"}', b'{"ksql":"x","a":1e999999}'):
            status, _, answer = self.server.request('POST', '/ksql', body)
            self.assertEqual(status, 400, (body[:40], answer))
            self.assertIn('error_code', json.loads(answer))


class Hostile(Http):
    def assert_refused(self, data, status=400):
        answer = self.server.exchange(data)
        self.assertTrue(answer.startswith(b'HTTP/1.1 %d ' % status), (data, answer))
        self.assertIn(b'\r\nconnection: close\r\n', answer)
        body = json.loads(answer.split(b'\r\n\r\n', 1)[1])
        self.assertEqual(body['error_code'], status * 100)

    def test_malformed_requests_are_refused_and_closed(self):
        host = b'Host: x\r\n'
        for data in (b'GET / HTTP/1.1\n', b'GET / HTTP/1.1\r\n\r\n', b'\x00\x01\x02\r\n',
                     b'GET / HTTP/1.1\r\n' + host + host + b'\r\n',
                     b'GET / HTTP/1.1\r\n' + host + b' folded: x\r\n\r\n',
                     b'GET / HTTP/1.1\r\n' + host + b'A: \x00\r\n\r\n',
                     b'POST / HTTP/1.1\r\n' + host + b'Content-Length: 1\r\n' * 2 + b'\r\n',
                     b'POST / HTTP/1.1\r\n' + host +
                     b'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
                     b'POST / HTTP/1.1\r\n' + host +
                     b'Transfer-Encoding: chunked\r\n\r\n2x\r\nab\r\n'):
            self.assert_refused(data)

    def test_what_follows_a_malformed_request_is_not_served(self):
        smuggled = weir.request('GET', '/healthcheck')
        answer = self.server.exchange(INFO + b'GET / HTTP/1.1\nHost: x\n\n' + smuggled)
        self.assertEqual(answer.count(b'HTTP/1.1 200 '), 1)
        self.assertEqual(answer.count(b'HTTP/1.1 400 '), 1)

    def test_long_heads_are_refused(self):
        self.assert_refused(weir.request('GET', '/' + 'a' * 70000), 414)
        self.assert_refused(weir.request('GET', '/', headers=['A: ' + 'b' * 70000]), 431)
        self.assert_refused(weir.request('GET', '/', headers=['A: b'] * 200), 431)

    def test_http2_preface_is_refused_in_its_own_words(self):
        answer = self.server.exchange(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + b'\0\0\0\4\0\0\0\0\0')
        self.assertEqual(answer[:9], b'\0\0\0\4\0\0\0\0\0')  # SETTINGS
        self.assertEqual(answer[9:14], b'\0\0\x08\7\0')  # GOAWAY
        self.assertEqual(answer[-1], 0x0d)  # HTTP_1_1_REQUIRED

    def test_tls_on_a_cleartext_port_is_closed(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with self.server.connect() as sock, self.assertRaises(OSError):
            context.wrap_socket(sock)

    def test_clients_that_vanish_leave_nothing_behind(self):
        for data in (b'', b'G', b'GET / HT', INFO[:-2], INFO,
                     weir.request('POST', '/ksql', headers=['Content-Length: 10']) + b'abc'):
            sock = self.server.connect()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
            sock.sendall(data)
            sock.close()


class Cors(Http):
    def test_allowed_origin_is_echoed(self):
        status, headers, _ = self.server.get('/info', ['Origin: http://app.example.com'])
        self.assertEqual(status, 200)
        self.assertEqual(headers['access-control-allow-origin'], 'http://app.example.com')
        self.assertEqual(headers['access-control-allow-credentials'], 'true')
        self.assertEqual(headers['vary'], 'origin')

    def test_other_origin_is_refused(self):
        status, headers, _ = self.server.get('/info', ['Origin: http://evil.example.org'])
        self.assertEqual(status, 403)
        self.assertNotIn('access-control-allow-origin', headers)

    def test_preflight_is_answered(self):
        status, headers, _ = self.server.request(
            'OPTIONS', '/ksql', headers=['Origin: http://app.example.com',
                                         'Access-Control-Request-Method: POST'])
        self.assertEqual(status, 204)
        self.assertIn('POST', headers['access-control-allow-methods'])
        self.assertIn('Content-Type', headers['access-control-allow-headers'])

    def test_request_without_origin_is_served(self):
        status, headers, _ = self.server.get('/info')
        self.assertEqual(status, 200)
        self.assertNotIn('access-control-allow-origin', headers)


del Http  # only a base: it has no tests of its own

if __name__ == '__main__':
    weir.main()

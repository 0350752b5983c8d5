"""Requests with random mistakes, cut into random pieces, by clients that leave at random moments.

Whatever they send, the server goes on serving, ends their queries, and ends with code 0, which in a
sanitizer build also says that nothing was leaked.
"""

import json
import random
import threading
import unittest

import weir

CLIENTS, CONNECTIONS = 8, 40
SEED = 20260101


def requests():
    def post(path, field, sql):
        return weir.request('POST', path, json.dumps({field: sql}).encode())

    handshake = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
                 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']
    socket_query = ('/ws/query?request=%7B%22ksql%22:%22SELECT%20*%20FROM%20s%20'
                    'EMIT%20CHANGES;%22%7D')
    return [
        weir.request('GET', '/info'),
        weir.request('GET', '/status'),
        post('/ksql', 'ksql', 'SHOW STREAMS;'),
        post('/ksql', 'ksql', "INSERT INTO s VALUES (1, 'x');"),
        post('/query', 'ksql', 'SELECT * FROM t WHERE k = 1;'),
        post('/query', 'ksql', 'SELECT * FROM t;'),
        post('/query', 'ksql', 'PRINT s FROM BEGINNING LIMIT 2;'),
        post('/query-stream', 'sql', 'SELECT * FROM s EMIT CHANGES;'),
        post('/query-stream', 'sql', 'SELECT * FROM s EMIT CHANGES LIMIT 1;'),
        post('/close-query', 'queryId', 'none'),
        weir.request('GET', socket_query, headers=handshake) + b'\x81\x82\0\0\0\0hi',
        weir.request('POST', '/ksql', headers=['Transfer-Encoding: chunked']) +
        b'd\r\n{"ksql":";"}\r\n0\r\n\r\n',
    ]


def mutate(rng, data):
    """The same bytes with up to three mistakes, often none."""
    data = bytearray(data)
    for _ in range(rng.choice([0, 0, 0, 1, 1, 3])):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(3)
        if kind == 0:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 5)))
        elif kind == 1:
            del data[at:at + rng.randrange(1, 9)]
        else:
            data[at:at] = rng.choice([b'\r\n', b'\n', b'\0', b'Host: y\r\n', b':',
                                      b'Content-Length: 3\r\n'])
    return bytes(data)


def misbehave(server, seed):
    rng = random.Random(seed)
    for _ in range(CONNECTIONS):
        data = b''.join(mutate(rng, rng.choice(requests())) for _ in range(rng.randrange(1, 5)))
        cut = rng.randrange(len(data) + 1)
        with server.connect() as sock:
            sock.settimeout(rng.choice([0.01, 0.05, 0.2]))
            try:
                sock.sendall(data[:cut])
                sock.sendall(data[cut:])
                while sock.recv(65536):
                    pass
            except OSError:
                pass  # refused, or bored


class Mutations(unittest.TestCase):
    def test_server_survives_them(self):
        with weir.Server('-o', 'weir.log.level=error') as server:
            server.sql("CREATE STREAM s (k INT KEY, v STRING) WITH (kafka_topic='s', "
                       "partitions=2, value_format='JSON');"
                       "CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s GROUP BY k;")
            tables = server.running()
            clients = [threading.Thread(target=misbehave, args=(server, SEED + i))
                       for i in range(CLIENTS)]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            weir.eventually(lambda: server.running() == tables, 'their queries end')
            self.assertEqual(server.get('/info')[0], 200)
            server.end()


if __name__ == '__main__':
    weir.main()

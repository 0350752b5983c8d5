"""Pull queries over HTTP: one statement for many keys, on one connection, while tables change."""

import json
import unittest

import weir

READ_YOUR_WRITES = {'weir.read.your.writes': 'true'}


class Pull(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = weir.Server('-o', 'auto.offset.reset=earliest').start()
        cls.server.sql("CREATE STREAM s (id INT KEY, k STRING, n INT) WITH (kafka_topic='s', "
                       "partitions=1, value_format='JSON');")

    @classmethod
    def tearDownClass(cls):
        cls.server.end()

    def setUp(self):
        self.server.sql('CREATE TABLE t AS SELECT k, SUM(n) AS total FROM s GROUP BY k;')
        self.sock = self.server.connect()
        self.reader = weir.Reader(self.sock)

    def tearDown(self):
        self.sock.close()
        self.server.sql('DROP TABLE t;')

    def insert(self, key, n):
        self.server.sql("INSERT INTO s VALUES (1, '%s', %d);" % (key.replace("'", "''"), n))

    def pull(self, key, properties=()):
        """Status and rows."""
        body = {'ksql': "SELECT * FROM t WHERE k='%s';" % key.replace("'", "''"),
                'streamsProperties': dict(properties)}
        self.sock.sendall(weir.request('POST', '/query', json.dumps(body).encode()))
        status, _, answer = weir.read_response(self.reader)
        rows = [part['row']['columns'] for part in json.loads(answer) if 'row' in part]
        return status, rows

    def test_row_that_was_inserted_is_there_when_asked_for(self):
        for n in range(1, 20):
            self.insert('own', 1)
            self.assertEqual(self.pull('own', READ_YOUR_WRITES), (200, [['own', n]]))

    def test_each_key_gets_its_own_row(self):
        keys = ['a', 'b', "it's", 'ä', '', 'a b']
        for n, key in enumerate(keys):
            self.insert(key, n)
        for n, key in enumerate(keys):
            expected = (200, [[key, n]])
            weir.eventually(lambda: self.pull(key) == expected, 'row of ' + key)
        for _ in range(3):
            for n, key in enumerate(keys):
                self.assertEqual(self.pull(key), (200, [[key, n]]))
            self.assertEqual(self.pull('nothing'), (200, []))

    def test_table_that_was_made_anew_answers_as_it_is_now(self):
        self.insert('new', 5)
        weir.eventually(lambda: self.pull('new') == (200, [['new', 5]]), 'first table')
        self.server.sql('DROP TABLE t;')
        self.server.sql('CREATE TABLE t AS SELECT k, COUNT(*) AS c, SUM(n) + 1 AS m FROM s '
                        'GROUP BY k;')
        weir.eventually(lambda: self.pull('new') == (200, [['new', 1, 6]]), 'second table')


if __name__ == '__main__':
    weir.main()

"""What runs while the server is killed: the statements, and rows that are inserted all the time.

Every id is a millisecond of event time.  Ids that are under way at the same time lie close together
(SPREAD), so that rows arrive out of order, but never so much that a grace period of GRACE_MS or a
join's window would decide by chance.  Only the stream ORD, whose one partition fixes the order, has
rows that are late.
"""
import http.client
import random
import threading

from crash_server import Refused

START_MS = 1_700_000_000_000
SPREAD = 1000
GROUPS = 7
SESSION_GROUPS = 20
TABLE_KEYS = 200
BATCH = 20
LATE_EVERY, LATE_MS = 97, 20_000

STATEMENTS = [
    # Rows without an order: several partitions.
    "CREATE STREAM SRC (ID INT KEY, G INT, V BIGINT) WITH "
    "(KAFKA_TOPIC='src', PARTITIONS=3, VALUE_FORMAT='JSON');",
    "CREATE STREAM EVEN AS SELECT ID, G, V FROM SRC WHERE V % 2 = 0;",
    "CREATE STREAM EVEN2 WITH (VALUE_FORMAT='DELIMITED') AS SELECT ID, V + 1 AS W FROM EVEN;",
    "CREATE TABLE SUMS AS SELECT G, COUNT(*) AS N, SUM(V) AS TOTAL FROM SRC GROUP BY G;",
    "CREATE STREAM CHANGING AS SELECT ID, V FROM SRC WHERE V % 3 = 0;",

    # Rows in one order, some of them late.
    "CREATE STREAM ORD (ID INT KEY, G INT, V BIGINT) WITH "
    "(KAFKA_TOPIC='ord', PARTITIONS=1, VALUE_FORMAT='JSON');",
    "CREATE TABLE TUMBLE AS SELECT G, COUNT(*) AS N, SUM(V) AS TOTAL FROM ORD WINDOW TUMBLING "
    "(SIZE 1 SECOND, RETENTION 1 DAY, GRACE PERIOD 2 SECONDS) GROUP BY G;",
    "CREATE TABLE HOP AS SELECT G, COUNT(*) AS N, MAX(V) AS TOP FROM ORD WINDOW HOPPING "
    "(SIZE 2 SECONDS, ADVANCE BY 1 SECOND, RETENTION 1 DAY, GRACE PERIOD 2 SECONDS) GROUP BY G;",
    "CREATE TABLE SESSIONS AS SELECT G, COUNT(*) AS N, SUM(V) AS TOTAL FROM ORD WINDOW SESSION "
    "(50 MILLISECONDS, RETENTION 1 DAY, GRACE PERIOD 2 SECONDS) GROUP BY G;",
    "CREATE TABLE FINAL WITH (KAFKA_TOPIC='final') AS SELECT G, COUNT(*) AS N FROM ORD "
    "WINDOW TUMBLING (SIZE 1 SECOND, GRACE PERIOD 2 SECONDS) GROUP BY G EMIT FINAL;",
    "CREATE STREAM FINAL_ROWS (G INT KEY, N BIGINT) WITH (KAFKA_TOPIC='final', "
    "VALUE_FORMAT='JSON', WINDOW_TYPE='TUMBLING', WINDOW_SIZE='1 SECOND');",

    # Joins.  The table beside the stream was complete before the stream began.
    "CREATE TABLE DIM (G INT PRIMARY KEY, NAME STRING) WITH "
    "(KAFKA_TOPIC='dim', PARTITIONS=3, VALUE_FORMAT='JSON');",
    "INSERT INTO DIM (ROWTIME, G, NAME) VALUES "
    + ", ".join(f"(1, {g}, 'name {g}')" for g in range(GROUPS - 1)) + ";",
    "CREATE STREAM NAMED AS SELECT S.G AS G, S.ID AS ID, D.NAME AS NAME "
    "FROM SRC S LEFT JOIN DIM D ON S.G = D.G;",
    "CREATE STREAM JL (ID INT KEY, K INT) WITH "
    "(KAFKA_TOPIC='jl', PARTITIONS=2, VALUE_FORMAT='JSON');",
    "CREATE STREAM JR (ID INT KEY, K INT) WITH "
    "(KAFKA_TOPIC='jr', PARTITIONS=2, VALUE_FORMAT='JSON');",
    "CREATE STREAM PAIRS AS SELECT L.ID AS ID, L.K AS LK, R.K AS RK FROM JL L LEFT JOIN JR R "
    "WITHIN 3 SECONDS GRACE PERIOD 2 SECONDS ON L.ID = R.ID;",
    "CREATE STREAM MATES AS SELECT L.K AS K, L.ID AS LID, R.ID AS RID FROM JL L JOIN JR R "
    "WITHIN 1 SECOND GRACE PERIOD 1 DAY ON L.K = R.K;",
    "CREATE TABLE UA (ID INT PRIMARY KEY, V INT, G INT) WITH "
    "(KAFKA_TOPIC='ua', PARTITIONS=2, VALUE_FORMAT='JSON');",
    "CREATE STREAM UA_ROWS (ID INT KEY, V INT, G INT) WITH "
    "(KAFKA_TOPIC='ua', VALUE_FORMAT='JSON');",
    "CREATE TABLE UB (ID INT PRIMARY KEY, W INT) WITH "
    "(KAFKA_TOPIC='ub', PARTITIONS=2, VALUE_FORMAT='JSON');",
    "CREATE STREAM UB_ROWS (ID INT KEY, W INT) WITH (KAFKA_TOPIC='ub', VALUE_FORMAT='JSON');",
    "CREATE TABLE BOTH WITH (KAFKA_TOPIC='both') AS SELECT ROWKEY AS ID, A.V AS V, B.W AS W "
    "FROM UA A FULL OUTER JOIN UB B ON A.ID = B.ID;",
    "CREATE STREAM BOTH_ROWS (ID INT KEY, V INT, W INT) WITH "
    "(KAFKA_TOPIC='both', VALUE_FORMAT='JSON');",
    "CREATE TABLE LOOKED_UP AS SELECT A.ID AS ID, A.V AS V, D.NAME AS NAME "
    "FROM UA A JOIN DIM D ON A.G = D.G;",
]


class Ids:
    """Hands out batches of ids, the highest never SPREAD above the lowest one under way."""

    def __init__(self):
        self.condition = threading.Condition()
        self.next = 1
        self.under_way = set()

    def take(self):
        with self.condition:
            while self.under_way and self.next + BATCH > min(self.under_way) + SPREAD:
                self.condition.wait(1.0)
            first = self.next
            self.next += BATCH
            self.under_way.add(first)
            return range(first, first + BATCH)

    def done(self, batch):
        with self.condition:
            self.under_way.discard(batch[0])
            self.condition.notify_all()


def values(rows):
    return ", ".join("(" + ", ".join(map(str, row)) + ")" for row in rows)


def statements_for(batch, rng):
    """One INSERT a stream for the ids of the batch; ROWTIME first."""
    src = [(START_MS + i, i, i % GROUPS, i * 3) for i in batch]
    order = [(START_MS + i - (LATE_MS if i % LATE_EVERY == 0 else 0), i,
              rng.randrange(SESSION_GROUPS), i) for i in batch]
    right = [(START_MS + i + rng.randint(-200, 200), i, i // 3) for i in batch
             if rng.random() < 0.7] or [(START_MS + batch[0], batch[0], batch[0] // 3)]
    left = [(START_MS + i, i, i // 3) for i in batch]
    some = rng.sample(list(batch), 4)
    upserts = [(START_MS + i, rng.randrange(TABLE_KEYS), i) for i in some]
    return " ".join([
        f"INSERT INTO SRC (ROWTIME, ID, G, V) VALUES {values(src)};",
        f"INSERT INTO ORD (ROWTIME, ID, G, V) VALUES {values(order)};",
        f"INSERT INTO JL (ROWTIME, ID, K) VALUES {values(left)};",
        f"INSERT INTO JR (ROWTIME, ID, K) VALUES {values(right)};",
        "INSERT INTO UA (ROWTIME, ID, V, G) VALUES "
        + values((ts, key, v, v % (GROUPS + 3)) for ts, key, v in upserts[:2]) + ";",
        f"INSERT INTO UB (ROWTIME, ID, W) VALUES {values(upserts[2:])};",
    ]), {"UA_ROWS": {row[2] for row in upserts[:2]}, "UB_ROWS": {row[2] for row in upserts[2:]},
         "JR": {row[1] for row in right}}


class Acknowledged:
    """Which rows the server has promised to keep; `taken` is the lowest id not handed out yet."""

    def __init__(self):
        self.lock = threading.Lock()
        self.ids = set()
        self.others = {"UA_ROWS": set(), "UB_ROWS": set(), "JR": set()}

    def add(self, batch, others):
        with self.lock:
            self.ids.update(batch)
            for name, ids in others.items():
                self.others[name] |= ids

    def copy(self):
        with self.lock:
            return set(self.ids)


class Inserter(threading.Thread):
    """Inserts until the server is gone; remembers what was acknowledged."""

    def __init__(self, server, ids, acknowledged, seed):
        super().__init__()
        self.server, self.ids, self.acknowledged = server, ids, acknowledged
        self.rng = random.Random(seed)
        self.is_stopped = False

    def run(self):
        batch = None
        try:
            connection = http.client.HTTPConnection(self.server.address, timeout=60)
            while not self.is_stopped:
                batch = self.ids.take()
                sql, others = statements_for(batch, self.rng)
                self.server.request("/ksql", {"ksql": sql}, connection)
                self.acknowledged.add(batch, others)
                self.ids.done(batch)
        except (OSError, http.client.HTTPException, Refused):
            self.ids.done(batch)  # killed under us: the last batch was not acknowledged

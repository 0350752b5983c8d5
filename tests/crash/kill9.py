#!/usr/bin/env python3
"""kill -9 at any moment, start again: nothing acknowledged is lost and nothing counts twice.

A server with a filtered stream, a stream chained to it and a table behind an exchange is killed
again and again while rows are inserted.  In the end the source is read back, and every output is
compared with a recomputation from it:

  - each acknowledged row is in the source, once;
  - the filtered streams hold exactly the rows that pass, once;
  - the table holds exactly the counts and sums;
  - statements that were acknowledged between two kills are in force.

usage: kill9.py SERVER [--kills N] [--seed S]
"""
import argparse
import collections
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

START_SECONDS = 20
SETTLE_SECONDS = 60
GROUPS = 7


class Server:
    """One weir-server process at a time, on one data directory."""

    def __init__(self, binary, data):
        self.binary, self.data = binary, data
        self.process, self.address = None, None

    def start(self):
        self.process = subprocess.Popen(
            [self.binary, "-o", "listeners=http://127.0.0.1:0", "-o", "weir.log.level=warn",
             "--data", self.data],
            stdout=subprocess.PIPE, text=True)
        timer = threading.Timer(START_SECONDS, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if "ready on http://" not in line:
            sys.exit(f"the server did not start: {line!r}")
        self.address = line.split("http://")[1].split()[0]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(START_SECONDS)
        self.process.stdout.close()
        if code != 0:
            sys.exit(f"the server ended with {code} on SIGTERM")

    def request(self, path, body, connection=None):
        own = connection is None
        if own:
            connection = http.client.HTTPConnection(self.address, timeout=SETTLE_SECONDS)
        connection.request("POST", path, json.dumps(body))
        response = connection.getresponse()
        text = response.read().decode()
        if own:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"{path} {body}: {response.status} {text}")
        return text

    def execute(self, sql):
        return json.loads(self.request("/ksql", {"ksql": sql}))

    def rows(self, sql):
        lines = self.request("/query-stream", {"sql": sql}).splitlines()[1:]
        rows = [json.loads(line) for line in lines if line]
        if any(isinstance(row, dict) for row in rows):
            raise RuntimeError(f"{sql}: {rows[-1]}")
        return rows


class Inserter(threading.Thread):
    """Inserts rows of its own ids until the server is gone; remembers what was acknowledged."""

    def __init__(self, server, ids, acknowledged):
        super().__init__()
        self.server, self.ids, self.acknowledged = server, ids, acknowledged
        self.is_stopped = False

    def run(self):
        try:
            connection = http.client.HTTPConnection(self.server.address, timeout=SETTLE_SECONDS)
            while not self.is_stopped:
                batch = [next(self.ids) for _ in range(20)]
                values = ", ".join(f"({i}, {i % GROUPS}, {i * 3})" for i in batch)
                sql = f"INSERT INTO SRC (ID, G, V) VALUES {values};"
                self.server.request("/ksql", {"ksql": sql}, connection)
                self.acknowledged.update(batch)
        except (OSError, http.client.HTTPException):
            pass  # killed under us: the last batch was not acknowledged


STATEMENTS = [
    "CREATE STREAM SRC (ID INT KEY, G INT, V BIGINT) WITH "
    "(KAFKA_TOPIC='src', PARTITIONS=3, VALUE_FORMAT='JSON');",
    "CREATE STREAM EVEN AS SELECT ID, G, V FROM SRC WHERE V % 2 = 0;",
    "CREATE STREAM EVEN2 WITH (VALUE_FORMAT='DELIMITED') AS SELECT ID, V + 1 AS W FROM EVEN;",
    "CREATE TABLE SUMS AS SELECT G, COUNT(*) AS N, SUM(V) AS TOTAL FROM SRC GROUP BY G;",
]


def kill_rounds(server, kills, acknowledged):
    ids = iter(range(1, 10**9))
    for number in range(kills):
        inserters = [Inserter(server, LockedIter(ids), acknowledged) for _ in range(3)]
        for inserter in inserters:
            inserter.start()
        time.sleep(random.uniform(0.05, 0.8))
        server.execute(f"CREATE STREAM AFTER_{number} AS SELECT * FROM SRC WHERE ID = -1;")
        time.sleep(random.uniform(0.0, 0.3))
        before = len(acknowledged)
        server.kill()
        for inserter in inserters:
            inserter.is_stopped = True
            inserter.join()
        server.start()
        print(f"kill {number + 1}: {before} rows acknowledged before")


class LockedIter:
    lock = threading.Lock()

    def __init__(self, items):
        self.items = items

    def __next__(self):
        with LockedIter.lock:
            return next(self.items)


def wait_for(what, expected, read):
    """Reads until it is what is expected; the queries need a moment to catch up."""
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        found = read()
        if found == expected:
            return
        if time.monotonic() > end:
            missing, extra = expected - found, found - expected
            sys.exit(f"{what}: {len(missing)} missing, e.g. {list(missing)[:3]}; "
                     f"{len(extra)} extra, e.g. {list(extra)[:3]}")
        time.sleep(0.2)


def check(server, kills, acknowledged):
    source = server.rows("SELECT ID, G, V FROM SRC;")
    ids = collections.Counter(row[0] for row in source)
    doubled = [i for i, count in ids.items() if count > 1]
    lost = acknowledged - ids.keys()
    if doubled or lost:
        sys.exit(f"source: {len(lost)} acknowledged rows lost, {len(doubled)} there twice")

    even = [row for row in source if row[2] % 2 == 0]
    wait_for("EVEN", collections.Counter(map(tuple, even)),
             lambda: collections.Counter(map(tuple, server.rows("SELECT ID, G, V FROM EVEN;"))))
    wait_for("EVEN2", collections.Counter((row[0], row[2] + 1) for row in even),
             lambda: collections.Counter(map(tuple, server.rows("SELECT ID, W FROM EVEN2;"))))
    groups = {}
    for _, g, v in source:
        count, total = groups.get(g, (0, 0))
        groups[g] = (count + 1, total + v)
    wait_for("SUMS", collections.Counter((g, n, total) for g, (n, total) in groups.items()),
             lambda: collections.Counter(map(tuple, server.rows("SELECT G, N, TOTAL FROM SUMS;"))))
    names = {s["name"] for s in server.execute("SHOW STREAMS;")[0]["streams"]}
    for number in range(kills):
        if f"AFTER_{number}" not in names:
            sys.exit(f"statement AFTER_{number} was acknowledged and is gone")
    return len(source)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    args = parser.parse_args()
    random.seed(args.seed)
    print(f"seed {args.seed}")

    data = tempfile.mkdtemp(prefix="weir-kill9-")
    server = Server(args.server, data)
    acknowledged = set()
    try:
        server.start()
        for sql in STATEMENTS:
            server.execute("SET 'auto.offset.reset'='earliest'; " + sql)
        kill_rounds(server, args.kills, acknowledged)
        rows = check(server, args.kills, acknowledged)
        server.stop()
        print(f"{rows} rows, {args.kills} kills: every output equals its recomputation")
    finally:
        if server.process and server.process.poll() is None:
            server.process.kill()
            server.process.wait()
        shutil.rmtree(data, ignore_errors=True)


main()

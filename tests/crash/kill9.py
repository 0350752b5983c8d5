#!/usr/bin/env python3
"""kill -9 at any moment, start again: nothing acknowledged is lost and nothing counts twice.

A server with filters, aggregates, windows and joins is killed again and again while rows are
inserted and statements come and go.  In the end the sources are read back, and every output is
compared with a recomputation from them (recompute.py):

  - each acknowledged row is in its source, once;
  - every stream holds exactly the rows it must, once, and every table exactly its rows;
  - statements that were acknowledged between two kills are in force: what was created runs, what
    was dropped is gone with its files and topics, what was replaced goes on where it stood;
  - a stream that begins at `latest` has every row sent after the reply and none acknowledged before
    the statement.

usage: kill9.py SERVER [--kills N] [--seed S]
"""
import argparse
import collections
import os
import random
import shutil
import sys
import tempfile
import time

import recompute
import workload
from crash_server import Server

SETTLE_SECONDS = 60
INSERTERS = 3
CHANGING = [
    "CREATE OR REPLACE STREAM CHANGING AS SELECT ID, V, V + 1 AS W FROM SRC WHERE V % 3 = 0;",
    "CREATE OR REPLACE STREAM CHANGING AS SELECT ID, V, V + 1 AS W, V + 2 AS X FROM SRC "
    "WHERE V % 3 = 0;",
]


class Statements:
    """Those that come and go between the kills, and what must be true because of them."""

    def __init__(self, server, acknowledged, ids):
        self.server, self.acknowledged, self.ids = server, acknowledged, ids
        self.alive, self.gone, self.latest = {}, [], []
        self.replaced = 0

    def create(self, number):
        name = f"COMES_{number:04}"
        body = random.choice(["STREAM {} AS SELECT * FROM SRC WHERE ID = -1",
                              "TABLE {} AS SELECT G, COUNT(*) AS N FROM SRC GROUP BY G"])
        answer = self.server.execute(f"CREATE {body.format(name)};")
        self.alive[name] = answer[0]["commandStatus"]["queryId"]

    def drop_one(self):
        name = random.choice(list(self.alive))
        query = self.alive.pop(name)
        kind = "TABLE" if query.startswith("CTAS") else "STREAM"
        if random.random() < 0.5:
            self.server.execute(f"TERMINATE {query};")
        self.server.execute(f"DROP {kind} {name} DELETE TOPIC;")
        self.gone.append((name, query))

    def begin_at_latest(self, number):
        before = self.acknowledged.copy()
        self.server.execute(f"CREATE STREAM LATEST_{number} AS SELECT ID, V FROM SRC;",
                            earliest=False)
        with self.ids.condition:
            sent_after = self.ids.next
        self.latest.append((f"LATEST_{number}", before, sent_after))

    def replace(self):
        if self.replaced < len(CHANGING):
            self.server.execute(CHANGING[self.replaced])
            self.replaced += 1

    def some(self, number):
        self.create(number)
        self.begin_at_latest(number)
        if number % 3 == 2:
            self.replace()
        if len(self.alive) > 2:
            self.drop_one()


def kill_rounds(server, kills, acknowledged, ids, statements):
    for number in range(kills):
        inserters = [workload.Inserter(server, ids, acknowledged, random.random())
                     for _ in range(INSERTERS)]
        for inserter in inserters:
            inserter.start()
        time.sleep(random.uniform(0.05, 0.6))
        statements.some(number)
        time.sleep(random.choice([0.0, random.uniform(0.0, 0.3)]))
        before = len(acknowledged.copy())
        how = random.choices(["kill", "stop"], [5, 1])[0]
        getattr(server, how)()
        for inserter in inserters:
            inserter.is_stopped = True
            inserter.join()
        if random.random() < 0.3:
            server.start_and_die()
        server.start()
        print(f"{how} {number + 1}: {before} ids acknowledged before", flush=True)


# --- comparing ------------------------------------------------------------------------------------

def wait_for(what, read, is_right, explain):
    """Reads until it is right; the queries need a moment to catch up."""
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        found = read()
        if is_right(found):
            return
        if time.monotonic() > end:
            sys.exit(f"{what}: {explain(found)}")
        time.sleep(0.2)


def wait_equal(server, what, expected, sql, more=None):
    """more: rows that may be there as well."""
    more = more or collections.Counter()

    def explain(found):
        missing, extra = expected - found, found - expected - more
        return (f"{missing.total()} missing, e.g. {list(missing)[:3]}; "
                f"{extra.total()} extra, e.g. {list(extra)[:3]}")

    wait_for(what, lambda: collections.Counter(server.rows(sql)),
             lambda found: not expected - found and not found - expected - more, explain)


def unique(what, keys, acknowledged):
    counts = collections.Counter(keys)
    doubled = [key for key, count in counts.items() if count > 1]
    lost = acknowledged - counts.keys()
    if doubled or lost:
        sys.exit(f"{what}: {len(lost)} acknowledged rows lost, {len(doubled)} there twice, "
                 f"e.g. {(list(lost) or doubled)[:3]}")


def check_unordered(server, source):
    even = [row for row in source if row[2] % 2 == 0]
    wait_equal(server, "EVEN", collections.Counter(even), "SELECT ID, G, V FROM EVEN;")
    wait_equal(server, "EVEN2", collections.Counter((i, v + 1) for i, _, v in even),
               "SELECT ID, W FROM EVEN2;")
    sums = recompute.grouped((g, v) for _, g, v in source)
    wait_equal(server, "SUMS", collections.Counter((g, n, t) for g, (n, t) in sums.items()),
               "SELECT G, N, TOTAL FROM SUMS;")
    for g, expected in sums.items():
        if server.rows(f"SELECT N, TOTAL FROM SUMS WHERE G = {g};") != [expected]:
            sys.exit(f"SUMS by key {g} differs from its scan")
    named = ((i, g, f"name {g}" if g < workload.GROUPS - 1 else None) for i, g, _ in source)
    wait_equal(server, "NAMED", collections.Counter(named), "SELECT ID, G, NAME FROM NAMED;")


def check_windows(server):
    order = server.rows("SELECT ROWTIME, G, V FROM ORD;")
    wait_equal(server, "TUMBLE", recompute.tumble(order),
               "SELECT G, WINDOWSTART, N, TOTAL FROM TUMBLE;")
    wait_equal(server, "HOP", recompute.hop(order), "SELECT G, WINDOWSTART, N, TOP FROM HOP;")
    wait_equal(server, "FINAL", recompute.final(order),
               "SELECT G, WINDOWSTART, N FROM FINAL_ROWS;")
    expected = recompute.sessions(order)
    for g in range(workload.SESSION_GROUPS):
        own = collections.Counter({row: n for row, n in expected.items() if row[0] == g})
        wait_equal(server, "SESSIONS", own,
                   f"SELECT G, WINDOWSTART, WINDOWEND, N, TOTAL FROM SESSIONS WHERE G = {g};")
    return len(order)


def check_joins(server, acknowledged):
    left = server.rows("SELECT ROWTIME, ID, K FROM JL;")
    right = server.rows("SELECT ROWTIME, ID, K FROM JR;")
    unique("JL", (row[1] for row in left), acknowledged.ids)
    unique("JR", (row[1] for row in right), acknowledged.others["JR"])
    must, may = recompute.pairs(left, right)
    wait_equal(server, "PAIRS", must, "SELECT ID, LK, RK FROM PAIRS;", may)
    wait_equal(server, "MATES", recompute.mates(left, right), "SELECT K, LID, RID FROM MATES;")
    ua = server.rows("SELECT ID, V, G FROM UA_ROWS;")
    ub = server.rows("SELECT ID, W FROM UB_ROWS;")
    unique("UA", (row[1] for row in ua), acknowledged.others["UA_ROWS"])
    unique("UB", (row[1] for row in ub), acknowledged.others["UB_ROWS"])
    both = recompute.both(ua, ub)
    wait_equal(server, "BOTH", both, "SELECT ID, V, W FROM BOTH;")
    last = recompute.last_of(server.rows("SELECT ID, V, W FROM BOTH_ROWS;"))
    if collections.Counter((key, *row) for key, row in last.items()) != both:
        sys.exit("BOTH: the last record of each key differs from the view")
    wait_equal(server, "LOOKED_UP", recompute.looked_up(ua), "SELECT ID, V, NAME FROM LOOKED_UP;")


def check_latest(server, statements, source):
    ids = {row[0] for row in source}
    for name, before, sent_after in statements.latest:
        must = {i for i in ids if i >= sent_after}

        def explain(found, before=before, must=must):
            return (f"{len(must - set(found))} rows sent after the reply are missing, "
                    f"{len(before & set(found))} from before are there, "
                    f"{len(found) - len(set(found))} twice, {len(set(found) - ids)} from nowhere")

        wait_for(name, lambda name=name: [i for i, in server.rows(f"SELECT ID FROM {name};")],
                 lambda found, before=before, must=must: must <= set(found) <= ids - before
                 and len(found) == len(set(found)), explain)


def check_changing(server, statements, source):
    added = ["W", "X"][:statements.replaced]
    wait_equal(server, "CHANGING", collections.Counter((i, v) for i, _, v in source if v % 3 == 0),
               "SELECT ID, V FROM CHANGING;")
    for plus, column in enumerate(added, 1):
        for v, value in server.rows(f"SELECT V, {column} FROM CHANGING;"):
            if value is not None and value != v + plus:
                sys.exit(f"CHANGING: {column} is {value} beside V {v}")


def check_statements(server, statements):
    queries = {q["id"] for q in server.execute("SHOW QUERIES;")[0]["queries"]}
    names = {s["name"] for s in server.execute("SHOW STREAMS;")[0]["streams"]}
    names |= {s["name"] for s in server.execute("SHOW TABLES;")[0]["tables"]}
    topics = server.execute("SHOW ALL TOPICS;")[0]["topics"]
    left = [topic["name"] for topic in topics] + os.listdir(os.path.join(server.data, "state"))
    for name, query in statements.alive.items():
        if name not in names or query not in queries:
            sys.exit(f"{name} was acknowledged and is gone")
    for name, query in statements.gone:
        traces = [entry for entry in left if name in entry]
        if name in names or query in queries or traces:
            sys.exit(f"{name} was dropped, and is still there: {traces}")


def check(server, acknowledged, statements):
    source = server.rows("SELECT ID, G, V FROM SRC;")
    unique("SRC", (row[0] for row in source), acknowledged.ids)
    check_statements(server, statements)
    check_unordered(server, source)
    check_changing(server, statements, source)
    check_latest(server, statements, source)
    check_joins(server, acknowledged)
    return len(source) + check_windows(server)


def run(server, kills):
    acknowledged, ids = workload.Acknowledged(), workload.Ids()
    server.start()
    for sql in workload.STATEMENTS:
        server.execute(sql)
    statements = Statements(server, acknowledged, ids)
    kill_rounds(server, kills, acknowledged, ids, statements)
    rows = check(server, acknowledged, statements)
    for how in ["kill", "stop"]:
        getattr(server, how)()
        server.start()
        check(server, acknowledged, statements)
    server.stop()
    print(f"{rows} rows, {kills} kills: every output equals its recomputation")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    args = parser.parse_args()
    random.seed(args.seed)
    print(f"seed {args.seed}", flush=True)
    data = tempfile.mkdtemp(prefix="weir-kill9-")
    server = Server(args.server, data)
    try:
        run(server, args.kills)
    finally:
        server.end()
        shutil.rmtree(data, ignore_errors=True)


main()

"""One weir-server process at a time, on one data directory, to be killed and started again."""
import http.client
import json
import random
import signal
import subprocess
import sys
import threading
import time

START_SECONDS = 20
REQUEST_SECONDS = 60


class Refused(Exception):
    """An answer other than 200: the statement is not acknowledged."""


class Server:
    def __init__(self, binary, data):
        self.binary, self.data = binary, data
        self.process, self.address = None, None

    def spawn(self):
        self.process = subprocess.Popen(
            [self.binary, "-o", "listeners=http://127.0.0.1:0", "-o", "weir.log.level=warn",
             "--data", self.data],
            stdout=subprocess.PIPE, text=True)

    def start(self):
        self.spawn()
        timer = threading.Timer(START_SECONDS, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if "ready on http://" not in line:
            sys.exit(f"the server did not start: {line!r}")
        self.address = line.split("http://")[1].split()[0]

    def start_and_die(self):
        """Killed while it recovers: the next start has to cope with that, too."""
        self.spawn()
        time.sleep(random.uniform(0.0, 0.15))
        self.kill()

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

    def end(self):
        """Whatever state the test left it in."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def request(self, path, body, connection=None):
        own = connection is None
        if own:
            connection = http.client.HTTPConnection(self.address, timeout=REQUEST_SECONDS)
        connection.request("POST", path, json.dumps(body))
        response = connection.getresponse()
        text = response.read().decode()
        if own:
            connection.close()
        if response.status != 200:
            raise Refused(f"{path} {str(body)[:300]}: {response.status} {text}")
        return text

    def execute(self, sql, earliest=True):
        offset = "earliest" if earliest else "latest"
        return json.loads(self.request(
            "/ksql", {"ksql": sql, "streamsProperties": {"auto.offset.reset": offset}}))

    def rows(self, sql):
        """All rows that a pull query answers, as tuples."""
        lines = self.request("/query-stream", {"sql": sql}).splitlines()[1:]
        rows = [json.loads(line) for line in lines if line]
        if any(isinstance(row, dict) for row in rows):
            raise Refused(f"{sql}: {rows[-1]}")
        return [tuple(row) for row in rows]

"""A proxy that a test puts between two programs, and that treats their bytes badly on request.

    with Proxy(('127.0.0.1', 9092)) as proxy:
        connect to proxy.port
        proxy.delay(0.3)     every answer comes that much later
        proxy.swallow()      requests arrive, their answers are lost
        proxy.hold()         nothing arrives anywhere, no connection ends: a black hole
        proxy.limit(10000)   after so many bytes of answers every connection ends, new ones at once
    proxy.heal()         all is well again

Connections that lost bytes are cut by heal(), as the rest of them could not be understood; what
was held goes on.  Each connection has two threads, one for each direction.
"""
import socket
import threading
import time

CHUNK_BYTES = 65536


class Proxy:
    def __init__(self, target=None):
        self.target = target
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.address = '127.0.0.1:%d' % self.port
        self.swallowed = 0  # bytes of answers that were lost
        self.passed = 0     # bytes of answers that were not
        self._passed_max = None
        self._changed = threading.Condition()
        self._delay, self._is_swallowing, self._is_holding = 0, False, False
        self._links = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.listener.close()
        self._set()
        for link in list(self._links):
            link.cut()

    def delay(self, seconds):
        self._set(delay=seconds)

    def swallow(self):
        self._set(is_swallowing=True)

    def hold(self):
        self._set(is_holding=True)

    def limit(self, count):
        self._passed_max = self.passed + count

    def is_cut(self):
        return self._passed_max is not None and self.passed >= self._passed_max

    def heal(self):
        self._passed_max = None
        self._set()
        for link in [link for link in list(self._links) if link.lost]:
            link.cut()

    def _set(self, delay=0, is_swallowing=False, is_holding=False):
        with self._changed:
            self._delay, self._is_swallowing = delay, is_swallowing
            self._is_holding = is_holding
            self._changed.notify_all()

    def _accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client):
        self._wait()
        if self.is_cut():
            client.close()
            return
        try:
            link = _Link(client, socket.create_connection(self.target))
        except OSError:
            client.close()
            return
        self._links.add(link)
        there = threading.Thread(target=self._pass, args=(link, client, link.server, False),
                                 daemon=True)
        there.start()
        self._pass(link, link.server, client, True)
        there.join()
        self._links.discard(link)
        link.close()

    def _count(self, count):
        with self._changed:
            self.passed += count
        if self.is_cut():
            for link in list(self._links):
                link.cut()

    def _wait(self):
        with self._changed:
            self._changed.wait_for(lambda: not self._is_holding)

    def _pass(self, link, source, sink, is_answer):
        try:
            while data := source.recv(CHUNK_BYTES):
                self._wait()
                if is_answer and self._delay:
                    time.sleep(self._delay)
                if is_answer and (self._is_swallowing or link.lost):
                    link.lost += len(data)
                    self.swallowed += len(data)
                    continue
                if self.is_cut():
                    break
                if is_answer:
                    self._count(len(data))
                sink.sendall(data)
        except OSError:
            pass
        self._wait()
        link.cut()


class _Link:
    def __init__(self, client, server):
        self.client, self.server = client, server
        self.lost = 0

    def cut(self):
        for sock in (self.client, self.server):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.client.close()
        self.server.close()

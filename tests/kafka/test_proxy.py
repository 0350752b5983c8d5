"""A network that delays, loses, holds or cuts what the broker says: what comes out stays exact.

usage: test_proxy.py SERVER RECORDS

Starts a broker of its own, whose second listener sends its clients to a proxy; the server knows
that one only, and the test itself looks past it.
"""
import os
import sys
import time

import cluster
import test_faults
import workload

sys.path.insert(0, os.path.join(cluster.HERE, '..', 'support'))
import proxy  # noqa: E402

# What is done to the connections, and for how many seconds.
FAULTS = (
    ('slow answers', lambda link: link.delay(0.3), 4),
    ('lost answers', lambda link: link.swallow(), 0.5),
    ('black hole', lambda link: link.hold(), 5),
    ('very slow answers', lambda link: link.delay(2), 6),
    ('lost answers', lambda link: link.swallow(), 3),
    ('long black hole', lambda link: link.hold(), 15),
)


def run(kafka, link, count):
    work = workload.Workload(kafka, 'proxy', count)
    work.load()
    total = sum(work.counts().values())
    beyond = cluster.Cluster(link.address)
    with cluster.Server(beyond, work.service, *test_faults.SMALL_EPOCHS) as server:
        server.sql(work.statements())
        for name, disturb, seconds in FAULTS:
            before = work.progress()
            cluster.eventually('progress', lambda: work.progress() > before, pause=0.01)
            if work.progress() >= total:
                raise AssertionError('the work was done before: %s' % name)
            disturb(link)
            time.sleep(seconds)
            link.heal()
            print('  %s for %g s at %d of %d records' % (name, seconds, before, total), flush=True)
        if not link.swallowed:
            raise AssertionError('no answer was lost')
        work.check()
        test_faults.await_healthy(server)
        cluster.expect('exit code', server.stop(), 0)
    print('proxy, %d records: output as computed' % count, flush=True)


def restart(link, work, data, count):
    """A start whose connections are cut after so many bytes; 0: never."""
    cluster.remove(os.path.join(data, 'kafka-' + work.service))  # the changelogs are read again
    server = cluster.Server(cluster.Cluster(link.address), work.service, data=data)
    before = link.passed
    if count:
        link.limit(count)
    try:
        server.begin()
        if count:
            cluster.eventually('the connections are cut', link.is_cut)
            cluster.eventually('it is told', lambda: not server.health()['details']['kafka'][
                'isHealthy'])
            state = server.health()['serverState']
            print('  cut after %d bytes, %s' % (count, state), flush=True)
            link.heal()
        server.await_ready(cluster.SECONDS_MAX)
        passed = link.passed - before
        cluster.eventually('all run', lambda: len(server.running()) == 4)
        test_faults.await_healthy(server)
        work.check()
        cluster.expect('exit code', server.stop(), 0)
    finally:
        link.heal()
        server.__exit__()
    return passed


def end_start(link, work, data, count):
    """A start that lost its cluster ends on a signal as well, soon and in order."""
    cluster.remove(os.path.join(data, 'kafka-' + work.service))
    with cluster.Server(cluster.Cluster(link.address), work.service, data=data,
                        awaits_ready=False) as server:
        link.limit(count)
        cluster.eventually('the connections are cut', link.is_cut)
        began = time.monotonic()
        cluster.expect('exit code', server.stop(), 0)
        if time.monotonic() - began > 10:
            raise AssertionError('the end took %d s' % (time.monotonic() - began))
    link.heal()


def run_starts(kafka, link):
    """Wherever a start loses its cluster: it waits, says so, and goes on."""
    work = workload.Workload(kafka, 'cut', 2000)
    work.load()
    data = cluster.scratch()
    try:
        with cluster.Server(cluster.Cluster(link.address), work.service, data=data) as server:
            server.sql(work.statements())
            work.check()
            cluster.expect('exit code', server.stop(), 0)
        total = restart(link, work, data, 0)
        for part in (0.1, 0.25, 0.4, 0.55, 0.7, 0.85):
            restart(link, work, data, int(total * part))
            end_start(link, work, data, int(total * part))
    finally:
        cluster.remove(data)
    print('proxy: starts that were cut go on', flush=True)


def main():
    cluster.weir.BINARY, count = sys.argv[1], int(sys.argv[2])
    folder = cluster.scratch()
    try:
        with proxy.Proxy() as link:
            address, inner = cluster.control('proxied', folder, str(link.port))
            link.target = inner.rsplit(':', 1)[0], int(inner.rsplit(':', 1)[1])
            run_starts(cluster.Cluster(address), link)
            run(cluster.Cluster(address), link, count)
    finally:
        cluster.control('stop', folder)
        cluster.remove(folder)


if __name__ == '__main__':
    main()

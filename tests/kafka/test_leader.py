"""Three brokers, and the one that leads dies: two are enough, and what comes out stays exact.

usage: test_leader.py SERVER RECORDS

Starts brokers of its own.
"""
import os
import sys

import cluster
import test_faults
import workload

REPLICATED = ('-o', 'ksql.internal.topic.replicas=3')


def leader_at_work(kafka, work):
    """The broker that leads the positions, and with them some partition of a sink."""
    positions = '_weir-%s-positions' % work.service
    leaders = kafka.leaders()
    leader = leaders[positions, 0]
    mine = [place for place, number in leaders.items()
            if number == leader and place[0] in work.sinks]
    if not mine:
        raise AssertionError('broker %d leads no sink: %s' % (leader, leaders))
    print('broker %d leads %s and %s' % (leader, positions, mine), flush=True)
    return leader


def run(folder, count):
    kafka = cluster.Cluster(cluster.control('three', folder)[0])
    work = workload.Workload(kafka, 'leader', count)
    work.load()
    total = sum(work.counts().values())
    with cluster.Server(kafka, work.service, *test_faults.SMALL_EPOCHS, *REPLICATED) as server:
        server.sql(work.statements())
        cluster.eventually('progress', lambda: work.progress() > 0, pause=0.01)
        killed = leader_at_work(kafka, work)
        cluster.control('kill', os.path.join(folder, str(killed)))
        if work.progress() >= total:
            raise AssertionError('the kill came after the end')
        work.check()
        leaders = kafka.leaders()
        cluster.expect('partitions of the dead broker',
                       [place for place, number in leaders.items() if number == killed], [])
        cluster.control('again', os.path.join(folder, str(killed)))
        test_faults.await_healthy(server)
        cluster.expect('exit code', server.stop(), 0)
    print('leader killed, %d records: output as computed' % count, flush=True)


def main():
    cluster.weir.BINARY, count = sys.argv[1], int(sys.argv[2])
    folder = cluster.scratch()
    try:
        run(folder, count)
    finally:
        for number in '123':
            cluster.control('stop', os.path.join(folder, number))
        cluster.remove(folder)


if __name__ == '__main__':
    main()

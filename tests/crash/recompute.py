"""What every output must hold, computed again from the rows that are in the sources."""
import collections

from workload import GROUPS

GRACE_MS = 2000
SECOND = 1000
SESSION_GAP_MS = 50


def grouped(rows):
    groups = collections.defaultdict(lambda: (0, 0))
    for g, v in rows:
        count, total = groups[g]
        groups[g] = (count + 1, total + v)
    return groups


def windows_of(ts, size, advance):
    start = max(0, ts - size + advance) // advance * advance
    while start <= ts:
        yield start
        start += advance


def windowed(rows, size, advance):
    """{(group, start): values} of rows (ts, group, value) in their order, and stream time."""
    found = collections.defaultdict(list)
    stream_time = 0
    for ts, g, v in rows:
        stream_time = max(stream_time, ts)
        for start in windows_of(ts, size, advance):
            if start + size > stream_time - GRACE_MS:
                found[g, start].append(v)
    return found, stream_time


def tumble(rows):
    found, _ = windowed(rows, SECOND, SECOND)
    return collections.Counter((g, start, len(v), sum(v)) for (g, start), v in found.items())


def hop(rows):
    found, _ = windowed(rows, 2 * SECOND, SECOND)
    return collections.Counter((g, start, len(v), max(v)) for (g, start), v in found.items())


def final(rows):
    found, stream_time = windowed(rows, SECOND, SECOND)
    return collections.Counter((g, start, len(v)) for (g, start), v in found.items()
                               if start + SECOND <= stream_time - GRACE_MS)


def sessions(rows):
    found = collections.defaultdict(list)
    stream_time = 0
    for ts, g, v in rows:
        stream_time = max(stream_time, ts)
        start, end, count, total, kept = ts, ts, 1, v, []
        for session in found[g]:
            if session[1] >= ts - SESSION_GAP_MS and session[0] <= ts + SESSION_GAP_MS:
                start, end = min(start, session[0]), max(end, session[1])
                count, total = count + session[2], total + session[3]
            else:
                kept.append(session)
        if end >= stream_time - GRACE_MS - SESSION_GAP_MS:
            found[g] = kept + [(start, end, count, total)]
    return collections.Counter((g, *session) for g, all_of in found.items() for session in all_of)


def last_of(rows):
    return dict((row[0], row[1:]) for row in rows)


def both(ua, ub):
    left, right = last_of(ua), last_of(ub)
    return collections.Counter(
        (key, left[key][0] if key in left else None, right[key][0] if key in right else None)
        for key in left.keys() | right.keys())


def looked_up(ua):
    return collections.Counter((key, v, f"name {g}") for key, (v, g) in last_of(ua).items()
                               if g < GROUPS - 1)


def mates(left, right):
    by_k = collections.defaultdict(list)
    for ts, i, k in right:
        by_k[k].append((ts, i))
    return collections.Counter((k, i, other) for ts, i, k in left for at, other in by_k[k]
                               if abs(at - ts) <= SECOND)


def pairs(left, right):
    """Rows that must be there, and those that may: rows without a match near the end of time."""
    by_id = {i: k for _, i, k in right}
    end = max(ts for ts, _, _ in left + right)
    must, may = collections.Counter(), collections.Counter()
    for ts, i, k in left:
        if i in by_id:
            must[i, k, by_id[i]] += 1
        elif ts + 3 * SECOND + GRACE_MS < end - SECOND:
            must[i, k, None] += 1
        else:
            may[i, k, None] += 1
    return must, may

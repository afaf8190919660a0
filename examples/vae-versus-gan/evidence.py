# SPDX-License-Identifier: MIT
"""What numbers say about a claim: estimates with intervals, comparisons, verdicts.

An estimate is {"value", "low", "high", "n"}, as `duet eval --json` gives it. Over several seeds it is their mean, and the
interval is Student's over the seeds: it then covers trainings too. With one seed it is the metric's own and covers the
examples alone. Where all are equal they tell nothing of another one, and there is no interval.
"""
import math
import random
import statistics

# Percentile 97.5 of Student's t by degrees of freedom.
STUDENT = {1: 12.71, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}

SUPPORTED, REFUTED, DEPENDS = "supported", "not supported", "depends"


def number(value, low=None, high=None, n=1):
    return {"value": value, "low": low, "high": high, "n": n}


def over_seeds(estimates):
    """One estimate of several, a seed each."""
    estimates = [one for one in estimates if one is not None and one["value"] is not None]
    if not estimates:
        return None
    if len(estimates) == 1:
        return estimates[0]
    values = [one["value"] for one in estimates]
    mean, count = statistics.fmean(values), len(values)
    if min(values) == max(values):
        return number(mean, n=count)
    reach = STUDENT[min(count - 1, 9)] * statistics.stdev(values) / math.sqrt(count)
    return number(mean, mean - reach, mean + reach, count)


def deviation(values):
    """The standard deviation; how far it may lie off follows from the fourth moment."""
    mean, found, count = statistics.fmean(values), statistics.pstdev(values), len(values)
    if found == 0:
        return number(found, n=count)
    fourth = statistics.fmean((value - mean) ** 4 for value in values)
    reach = 1.96 * math.sqrt(max(fourth - found ** 4, 0) / count) / (2 * found)
    return number(found, *((max(found - reach, 0), found + reach) if reach > 0 else ()), n=count)


def compare(small, large):
    """1: the first is below the second beyond both intervals; -1: above; 0: no difference is seen. A plain number is
    known; an estimate without an interval does not tell how far another one lies, so that nothing is seen."""
    ends = []
    for one in (small, large):
        if isinstance(one, (int, float)):
            ends.append((one, one))
        elif one is None or one["low"] is None or one["high"] is None:
            return 0
        else:
            ends.append((one["low"], one["high"]))
    if ends[0][1] < ends[1][0]:
        return 1
    return -1 if ends[0][0] > ends[1][1] else 0


def verdict(comparisons):
    """Of several comparisons, each 1 if it goes the claim's way, -1 if it goes the other, 0 if nothing is seen."""
    if all(one > 0 for one in comparisons):
        return SUPPORTED
    return DEPENDS if any(one > 0 for one in comparisons) else REFUTED


def ranks(values):
    """Ranks from 1, ties at their middle."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found, at = [0.0] * len(values), 0
    while at < len(order):
        end = at
        while end + 1 < len(order) and values[order[end + 1]] == values[order[at]]:
            end += 1
        for place in range(at, end + 1):
            found[order[place]] = (at + end) / 2 + 1
        at = end + 1
    return found


def spearman(first, second):
    """Rank correlation with an interval of 95% by 2,000 bootstrap draws of pairs; None for fewer than four pairs."""
    pairs = list(zip(first, second))
    if len(pairs) < 4:
        return None

    def of(some):
        one, two = ranks([a for a, _ in some]), ranks([b for _, b in some])
        if len(set(one)) < 2 or len(set(two)) < 2:
            return None
        return statistics.correlation(one, two)
    draw, whole = random.Random(0), of(pairs)
    if whole is None:
        return None
    drawn = sorted(x for x in (of(draw.choices(pairs, k=len(pairs))) for _ in range(2000)) if x is not None)
    low, high = drawn[len(drawn) // 40], drawn[-1 - len(drawn) // 40]
    return number(whole, *((low, high) if low < high else ()), n=len(pairs))

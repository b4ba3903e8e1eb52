"""What every peer's program measures with. It needs nothing but the standard library.

A program prints one JSON object a line, so that what was measured before a time limit counts.
"""

import json
import statistics
import subprocess
import sys
import time

POINTS = 10_000
POINTS_LIMIT_S = 15.0
"""Slow ones log fewer points; the rate is that of those that they logged."""
LOGS = 5_000
LOGS_LIMIT_S = 10.0
RUNS = 1_000
TOP = 100


def say(**figures):
    print(json.dumps(figures), flush=True)


def import_ms(statement, rounds=5):
    """The time that importing takes over bare Python."""

    def median(code):
        return statistics.median(
            _seconds_of(lambda: subprocess.run([sys.executable, "-c", code], check=True, capture_output=True))
            for _ in range(rounds)
        )

    median(statement)
    return (median(statement) - median("pass")) * 1e3


def median_ms(call, rounds=5):
    call()
    return statistics.median(_seconds_of(call) for _ in range(rounds)) * 1e3


def say_quantiles(log):
    """Median and 99th percentile of logging one scalar, as the caller sees it."""
    spent, clock = [], time.perf_counter
    end = clock() + LOGS_LIMIT_S
    for step in range(LOGS):
        began = clock()
        log(step)
        now = clock()
        spent.append(now - began)
        if now > end:
            break
    spent.sort()
    say(log_p50_us=spent[len(spent) // 2] * 1e6, log_p99_us=spent[len(spent) * 99 // 100] * 1e6)


def say_rate(log, finish, count_read):
    """Points a second, until ``count_read`` finds them all."""
    began = time.perf_counter()
    count = 0
    while count < POINTS and time.perf_counter() < began + POINTS_LIMIT_S:
        log(count)
        count += 1
    finish()
    found = count_read()
    assert found == count, f"{found} of {count} points can be read"
    say(points_per_s=count / (time.perf_counter() - began))


def _seconds_of(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began

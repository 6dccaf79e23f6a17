"""Measure SimPy's event core on the hold model.

P processes each wait Exp(1) seconds, again and again: P events are pending,
and each schedules its successor. One operation is one event.

Usage: hold.py P N

Prints one line in the form of Go's benchmarks. The clock runs from the first
event after a warm-up of 3 P events to the N-th event after it.
"""

import random
import sys
import time

import simpy


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: hold.py P N")
    pending, ops = int(sys.argv[1]), int(sys.argv[2])
    env = simpy.Environment()
    rng = random.Random(140)

    def process():
        delay = rng.expovariate
        timeout = env.timeout
        while True:
            yield timeout(delay(1.0))

    for _ in range(pending):
        env.process(process())

    step = env.step
    # Each process costs one Initialize event before its first timeout.
    for _ in range(4 * pending):
        step()
    start = time.perf_counter_ns()
    for _ in range(ops):
        step()
    elapsed = time.perf_counter_ns() - start
    print(f"BenchmarkHold/impl=simpy/P={pending}\t{ops}\t{elapsed / ops:.2f} ns/op")


if __name__ == "__main__":
    main()

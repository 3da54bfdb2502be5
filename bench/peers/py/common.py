"""What the workloads share: the command line, the clocks, what the tool notes, the line that says what was measured."""
import json
import os
import statistics
import sys
import time

SERVER = os.environ.get("BENCH_URL", "http://127.0.0.1:8808/v1")
KEY = "sk-bench"
SYSTEM_PROMPT = "You are a bench."
NOT_OFFERED = 3
# How many calls a section has of whose cost something is said.
SECTION = 100

WORKLOAD = sys.argv[1] if len(sys.argv) > 1 else ""
VALUES = dict(argument.split("=", 1) for argument in sys.argv[2:] if "=" in argument)


def number(name, default):
    return int(VALUES.get(name, default))


def status_kb(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def report(**figures):
    print("RESULT " + json.dumps(figures | {"peak_kb": status_kb("VmHWM")}), flush=True)


class Timing:
    """What runs took, by the clock on the wall and by the processor's: `with timing:` is a run."""

    def __init__(self):
        self.wall, self.cpu = [], []

    def __enter__(self):
        self.start = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        wall, cpu = self.start
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)

    def figures(self):
        return {"wall_s": self.wall, "cpu_s": self.cpu}

    def micros(self):
        """The middle one of the runs, by both clocks, and the average."""
        median = statistics.median
        return {
            "median_us": median(self.wall) * 1e6,
            "cpu_us": median(self.cpu) * 1e6,
            "mean_us": statistics.mean(self.wall) * 1e6,
        }


class Calls:
    """The calls of the tool: how many, and when the first and the last one of each hundred was."""

    def __init__(self):
        self.forget()

    def forget(self):
        self.count, self.marks = 0, []

    def called(self):
        self.count += 1
        if self.count % SECTION <= 1:
            self.marks.append((self.count, time.perf_counter(), time.process_time()))

    def since(self, start):
        wall, cpu = start
        return [[call, at - wall, used - cpu] for call, at, used in self.marks]


CALLS = Calls()


def check(answer, expected):
    """That the work was done: the tool was called so many times and the word was said."""
    if CALLS.count != expected or "word" not in str(answer):
        raise SystemExit(f"{CALLS.count} tool calls in place of {expected}, and at last: {answer}")

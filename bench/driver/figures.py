"""From what was measured to figures: the samples that a run gives of each, and their medians."""
import dataclasses
import statistics
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Figure:
    """Something that can be said of a run."""

    label: str
    # Its values in a record; a run may have several.
    samples: Callable
    # What the least disturbed run had: `min`, `max`, or nothing that is of interest.
    best: Callable = None


class Measured:
    """All records of a run, by workload, library and tag."""

    def __init__(self, records):
        # Those of all runs that were joined: they may differ in what they measured, and how.
        self.about = [record for record in records if "machine" in record]
        self.runs = {}
        self.failures = []
        for record in records:
            if "failure" in record:
                self.failures.append(record)
            elif "workload" in record:
                key = (record["workload"], record["peer"], record["tag"])
                self.runs.setdefault(key, []).append(record)

    def of(self, workload, peer, tag=""):
        return self.runs.get((workload, peer, tag), [])

    def tags(self, workload):
        """The tags of a workload, in the order in which they came."""
        return list(dict.fromkeys(tag for name, _, tag in self.runs if name == workload))

    def peers(self, workload, tag):
        return [peer for name, peer, tagged in self.runs if (name, tagged) == (workload, tag)]

    def samples(self, figure, workload, peer, tag=""):
        return [value for record in self.of(workload, peer, tag) for value in figure.samples(record)]

    def median(self, figure, workload, peer, tag=""):
        """The median; nothing if there is no sample."""
        samples = self.samples(figure, workload, peer, tag)
        return statistics.median(samples) if samples else None

    def instructions(self, peer, name, less=None, units=1):
        """The instructions of a run, less those of another, for each unit that it has more."""
        counts = [[record["instructions"] for record in self.of("W9", peer, tag)] for tag in (name, less) if tag]
        if not all(counts):
            return None
        first, *others = [statistics.median(count) for count in counts]
        return (first - sum(others)) / units


def result(name, scale=1.0):
    """A number of the program's own, as it says it."""
    return lambda record: [record["result"][name] * scale] if name in record["result"] else []


def launch(name, scale=1.0):
    """A number that was taken from outside the program."""
    return lambda record: [record["launch"][name] * scale]


def warm(name, *units):
    """What a unit took in the runs of a process, the first of several left out."""

    def samples(record):
        count = 1
        for unit in units:
            count *= record["result"][unit]
        runs = record["result"][name]
        return [seconds / count * 1e6 for seconds in runs[1:] or runs]

    return samples


def rate(name, *units):
    per_unit = warm(name, *units)
    return lambda record: [1e6 / micros for micros in per_unit(record)]


def section(first, last, clock):
    """What a cycle took in a part of a conversation. `last` 0 is its end: then `first` counts from there."""

    def samples(record):
        marks = {mark[0]: mark[clock] for mark in record["result"]["marks"]}
        end = last or record["result"]["cycles"]
        begin = first if last else end - first + 1
        if begin not in marks or end not in marks:
            return []
        return [(marks[end] - marks[begin]) / (end - begin) * 1e6]

    return samples


def growth(record):
    first, last = section(1, 100, CPU)(record), section(100, 0, CPU)(record)
    return [last[0] / first[0]] if first and last else []


def per_agent_kb(record):
    result = record["result"]
    return [(result["after_kb"] - result["before_kb"]) / result["agents"]]


def per_request(record):
    """The server's part, for a cycle."""
    result = record["result"]
    return [record["server_cpu_s"] / ((result["cycles"] + 1) * len(result["cpu_s"])) * 1e6]


def at(length, what):
    return lambda record: [record["result"][length][what]]


WALL, CPU = 1, 2

PEAK_MB = Figure("peak MB", launch("peak_kb", 1 / 1024))

COLD_CPU = Figure("CPU ms to the end", launch("cpu_s", 1e3), min)
COLD_WALL = Figure("ms to the answer", launch("first_s", 1e3), min)

CYCLE_CPU = Figure("CPU µs per cycle", warm("cpu_s", "cycles"), min)
CYCLE_WALL = Figure("µs per cycle", warm("wall_s", "cycles"), min)
CYCLE_FIRST = Figure("CPU µs, first run", lambda record: [record["result"]["cpu_s"][0] / record["result"]["cycles"] * 1e6])
CYCLE_SERVER = Figure("server's CPU µs per request", per_request)

HISTORY_LAST = Figure("CPU µs per cycle, last 100", section(100, 0, CPU), min)
HISTORY_FIRST = Figure("first 100", section(1, 100, CPU))
HISTORY_MIDDLE = Figure("401–500", section(401, 500, CPU))
HISTORY_GROWTH = Figure("last / first", growth)
HISTORY_WALL = Figure("µs per cycle, last 100", section(100, 0, WALL), min)
HISTORY_CPU = Figure("CPU s in all", lambda record: record["result"]["cpu_s"])
HISTORY_CYCLES = Figure("cycles", result("cycles"))

CHUNK_CPU = Figure("CPU µs per piece", warm("cpu_s", "tokens"), min)
CHUNK_RATE = Figure("pieces per s", rate("wall_s", "tokens"), max)
CHUNK_SWITCHES = Figure(
    "thread switches per piece",
    lambda record: [
        record["launch"]["voluntary_switches"] / record["result"]["tokens"] / len(record["result"]["cpu_s"])
    ],
)

MANY_CPU = Figure(
    "CPU µs per cycle",
    lambda record: [
        seconds / record["result"]["agents"] / record["result"]["cycles"] * 1e6 for seconds in record["result"]["cpu_s"]
    ],
    min,
)
MANY_RATE = Figure(
    "cycles per s",
    lambda record: [
        record["result"]["agents"] * record["result"]["cycles"] / seconds for seconds in record["result"]["wall_s"]
    ],
    max,
)

IDLE_KB = Figure("KB per agent", per_agent_kb)
IDLE_CPU = Figure("CPU µs to make one", warm("cpu_s", "agents"))
IDLE_BEFORE = Figure("MB before", result("before_kb", 1 / 1024))

HOOKS = [
    Figure(f"{count} {kind}", result(f"{kind}_{count}")) for kind in ["sync", "async"] for count in [0, 1, 10, 50]
]
HOOK = {figure.label: figure for figure in HOOKS}

LENGTHS = {"at_10": "at 10", "at_1k": "at 1,000", "at_10k": "at 10,000"}
APPEND = {length: Figure(f"µs {label}", at(length, "median_us")) for length, label in LENGTHS.items()}
APPEND_CPU = {length: Figure(f"CPU µs {label}", at(length, "cpu_us"), min) for length, label in LENGTHS.items()}
# With what is only done now and then.
APPEND_MEAN = Figure("µs at 10,000, mean", at("at_10k", "mean_us"))
RESTORE = Figure("ms to open", result("restore_us", 1e-3), min)
RESTORE_CPU = Figure("CPU ms to open", result("restore_cpu_us", 1e-3), min)
RESTORED = Figure("messages", result("messages"))
BYTES = Figure("bytes per message", lambda record: [record["result"]["bytes"] / record["result"]["messages"]])
FILES = Figure("files", result("files"))

# A run's instructions, or how many more than another it took, and for how many units more.
COUNTED = {
    "cold start": ("cold",),
    "per cycle (50–150)": ("cycles 150", "cycles 50", 100),
    "per piece": ("chunks 10000", "chunks 2000", 8_000),
    "per hook and cycle": ("hooks 100", "cycles 50", 100 * 50),
    "dispatch to 10 sync": ("sync 11000", "sync 1000", 10_000),
    "dispatch to 10 async": ("async 11000", "async 1000", 10_000),
}

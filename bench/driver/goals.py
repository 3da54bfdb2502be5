"""The goals, and whether they are met."""
import dataclasses
from collections.abc import Callable

from driver import figures
from driver.markdown import number, table

WORK = [
    ("W1", figures.COLD_CPU),
    ("W2", figures.CYCLE_CPU),
    ("W3", figures.HISTORY_LAST),
    ("W4", figures.CHUNK_CPU),
    ("W5", figures.MANY_CPU),
]
NAMES = {
    "W1": "cold start", "W2": "a cycle", "W3": "a cycle of the last hundred", "W4": "a streamed piece",
    "W5": "a cycle of 500 agents",
}


@dataclasses.dataclass(frozen=True)
class Goal:
    workload: str
    what: str
    most: float
    unit: str
    # What there is, of a library and of what it is compared with.
    value: Callable


def times(workload, figure, tag=""):
    """The value is how many times the other's it is."""

    def value(measured, peer, other):
        mine = measured.median(figure, workload, peer, tag)
        theirs = measured.median(figure, workload, other, tag)
        return mine / theirs if mine is not None and theirs else None

    return value


def plain(workload, figure, tag=""):
    return lambda measured, peer, _: measured.median(figure, workload, peer, tag)


def floor_growth(measured, peer, other):
    return times("W3", figures.HISTORY_GROWTH)(measured, peer, other)


def beside_the_floor():
    """The goals of the default shape against the floor on the same runtime."""
    most = {"W1": 1.4, "W2": 1.3, "W3": 1.3, "W4": 1.3, "W5": 1.3}
    for workload, figure in WORK:
        yield Goal(workload, f"{NAMES[workload]}, CPU", most[workload], "× floor", times(workload, figure))
    yield Goal("W1", "peak memory", 5, " MB", plain("W1", figures.PEAK_MB))
    yield Goal("W2", "a cycle in process, CPU", 5, " µs", plain("W2", figures.CYCLE_CPU, "in process"))
    yield Goal("W3", "growth over the conversation", 1, "× floor's", floor_growth)
    yield Goal("W5", "peak memory", 25, " MB", plain("W5", figures.PEAK_MB))
    shared = "history of the blueprint"
    yield Goal("W6", "memory of an agent of a blueprint", 1, " KB", plain("W6", figures.IDLE_KB, shared))
    yield Goal("W6", "CPU to make one", 1, " µs", plain("W6", figures.IDLE_CPU, shared))
    yield Goal("W7", "dispatch to no hook", 5, " ns", plain("W7", figures.HOOK["0 sync"]))
    yield Goal("W7", "dispatch to no hook, async", 5, " ns", plain("W7", figures.HOOK["0 async"]))
    yield Goal("W7", "dispatch to 10 sync hooks", 1.5, "× floor", times("W7", figures.HOOK["10 sync"]))
    yield Goal("W7", "dispatch to 10 async hooks", 1.3, "× floor", times("W7", figures.HOOK["10 async"]))


def of_sessions():
    """The goals of sessions by themselves."""
    for store in ["file", "sqlite"]:
        tag = f"{store}, buffered"
        for length, label in figures.LENGTHS.items():
            what = f"a message more {label}, {store}, without fsync"
            yield Goal("W8", what, 20, " µs", plain("W8", figures.APPEND[length], tag))
        yield Goal("W8", f"10,000 messages opened, {store}", 10, " ms", plain("W8", figures.RESTORE, tag))


def beside_the_default():
    """The goals of the full shape against the default one."""
    for workload, figure in WORK:
        what = f"full shape, {NAMES[workload]}, CPU"
        yield Goal(workload, what, 1.5, "× default", times(workload, figure))


def rows(measured, goals, pairs):
    for goal in sorted(goals, key=lambda goal: goal.workload):
        values = [goal.value(measured, peer, other) for peer, other in pairs]
        if all(value is None for value in values):
            continue
        most = f"≤ {number(goal.most)}{goal.unit}"
        yield [f"{goal.workload} {goal.what}", most, *(verdict(value, goal.most) for value in values)]


def verdict(value, most):
    if value is None:
        return "–"
    return f"{number(value)} {'met' if value <= most else '**missed**'}"


def show(measured):
    """The goals that something was measured for, as Markdown."""
    default = list(rows(measured, beside_the_floor(), [("ropewalk", "floor"), ("ropewalk/ct", "floor/ct")]))
    full = [("ropewalk/full", "ropewalk"), ("ropewalk/full-ct", "ropewalk/ct")]
    default += rows(measured, of_sessions(), full)
    default += rows(measured, beside_the_default(), full)
    if not default:
        return ""
    head = ["goal", "at most", "runtime of many threads", "of one thread"]
    return "## Goals\n\n" + table(head, default)

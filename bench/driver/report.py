"""The report."""
import statistics

from driver import figures, goals, peers, tables, workloads
from driver.figures import Measured
from driver.markdown import number, ratio, table

TRUST = """\
CPU time per unit, of the program and of the system for it, is the figure to trust. The columns `× floor` and
`× ropewalk` say how many times that of the floor, and that of Ropewalk in its default shape, it is, on the same kind of
runtime. All are medians over runs of the program; in brackets the least disturbed run.
"""

# Below the lines of several runs.
JOINED = "Only what was measured in one run was measured in turn: the machine may have been slower in another"


def report(records):
    """Markdown of all that was measured."""
    measured = Measured(records)
    parts = ["# What it costs\n", about(measured), TRUST, goals.show(measured)]
    for workload in workloads.ALL:
        shown = [text for text in section(measured, workload) if text]
        if shown:
            parts += [f"## {workload.name} {workload.title}\n", *shown]
    parts.append(failures(measured))
    return "\n".join(part for part in parts if part)


def about(measured):
    """How it was measured; a line for each run whose figures were joined."""
    pressures = [record["pressure"] for runs in measured.runs.values() for record in runs]
    waiting = statistics.median(pressures) if pressures else 0
    lines = list(dict.fromkeys(conditions(about) for about in measured.about))
    if len(lines) > 1:
        lines.append(JOINED)
    busy = f"Meanwhile some task waited for a core for {waiting:.0%} of the time (median).\n"
    return "\n".join(f"* {line}" for line in lines) + f"\n\n{busy}"


def conditions(about):
    client, server = about["cores"]
    placed = "not pinned" if client is None else f"client on core {client}, server on core {server}"
    rounds = "1 round" if about["rounds"] == 1 else f"{about['rounds']} rounds"
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    what = " ".join(about.get("workloads", [])) or "an earlier run"
    return f"{what}: {about['date']}, {about['machine']}; {placed}; {rounds}; {versions}"


def section(measured, workload):
    if workload.name == "W7":
        return [hooks(measured)]
    if workload.name == "W8":
        return [sessions(measured)]
    if workload.name == "W9":
        return [instructions(measured)]
    return [compared(measured, shown) for shown in tables.ALL if shown.workload == workload.name]


def compared(measured, shown):
    """A table in which libraries are compared by one figure."""
    names = sorted(measured.peers(shown.workload, shown.tag), key=peers.position)
    if not names:
        return ""

    def value(name):
        return measured.median(shown.figure, shown.workload, name, shown.tag)

    head = ["", "runs", shown.figure.label, "× floor", "× ropewalk", *(figure.label for figure in shown.more)]
    rows = []
    for name in names:
        own = value(name)
        beside = [ratio(own, value(other)) for other in alike(name)]
        more = [cell(measured, figure, shown.workload, name, shown.tag) for figure in shown.more]
        runs = str(len(measured.of(shown.workload, name, shown.tag)))
        rows.append([name, runs, number(own), *beside, *more])
    return (f"{shown.title}\n\n" if shown.title else "") + table(head, rows)


def alike(name):
    """The floor and Ropewalk on the runtime that a library has."""
    found = next((peer for peer in peers.ALL if peer.name == name), None)
    return ("floor/ct", "ropewalk/ct") if found and found.single else ("floor", "ropewalk")


def cell(measured, figure, workload, name, tag):
    samples = measured.samples(figure, workload, name, tag)
    if not samples:
        return "–"
    best = f" [{number(figure.best(samples))}]" if figure.best else ""
    return number(statistics.median(samples)) + best


def hooks(measured):
    names = sorted(measured.peers("W7", ""), key=peers.position)
    if not names:
        return ""
    head = ["ns per dispatch, to so many callbacks", *(figure.label for figure in figures.HOOKS)]
    rows = [[name, *(cell(measured, figure, "W7", name, "") for figure in figures.HOOKS)] for name in names]
    return table(head, rows)


def sessions(measured):
    shown = [
        *figures.APPEND.values(), *figures.APPEND_CPU.values(), figures.RESTORE, figures.RESTORED, figures.BYTES,
        figures.FILES,
    ]
    rows = []
    for tag in measured.tags("W8"):
        for name in sorted(measured.peers("W8", tag), key=peers.position):
            rows.append([f"{name} ({tag})", *(cell(measured, figure, "W8", name, tag) for figure in shown)])
    return table(["a message more", *(figure.label for figure in shown)], rows) if rows else ""


def instructions(measured):
    names = sorted({peer for workload, peer, _ in measured.runs if workload == "W9"}, key=peers.position)
    if not names:
        return ""
    count = measured.instructions
    rows = []
    for name in names:
        values = [
            count(name, "cold"),
            count(name, "cycles 150", "cycles 50", 100),
            count(name, "chunks 10000", "chunks 2000", 8000),
            count(name, "hooks 100", "cycles 50", 100 * 50),
            count(name, "sync 11000", "sync 1000", 10_000),
            count(name, "async 11000", "async 1000", 10_000),
        ]
        rows.append([name, *map(number, values)])
    head = [
        "instructions", "cold start", "per cycle (50–150)", "per piece", "per hook and cycle", "dispatch to 10 sync",
        "dispatch to 10 async",
    ]
    return table(head, rows)


def failures(measured):
    if not measured.failures:
        return ""
    lines = [
        f"* {record['workload']} {record['peer']} {record['tag']}: {record['failure'].splitlines()[-1]}"
        for record in measured.failures
    ]
    return "## What failed\n\n" + "\n".join(dict.fromkeys(lines)) + "\n"

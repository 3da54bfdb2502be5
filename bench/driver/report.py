"""The report."""
import statistics

from driver import comparison, goals, tables, workloads
from driver.figures import Measured

TRUST = """\
CPU time per unit, of the program and of the system for it, is the figure to trust. `× floor` and `× ropewalk` say how
many times that of the floor, and that of Ropewalk in its default shape, the figure to the left is, on the same kind of
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
        return [comparison.dispatch(measured)]
    if workload.name == "W8":
        return [comparison.sessions(measured)]
    if workload.name == "W9":
        return [comparison.instructions(measured)]
    return [comparison.libraries(measured, shown) for shown in tables.ALL if shown.workload == workload.name]


def failures(measured):
    if not measured.failures:
        return ""
    lines = [
        f"* {record['workload']} {record['peer']} {record['tag']}: {record['failure'].splitlines()[-1]}"
        for record in measured.failures
    ]
    return "## What failed\n\n" + "\n".join(dict.fromkeys(lines)) + "\n"

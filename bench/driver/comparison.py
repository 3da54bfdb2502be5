"""Tables in which libraries stand beside the floor and Ropewalk."""
import statistics

from driver import figures, peers
from driver.markdown import number, ratio, table


def libraries(measured, shown):
    """A library a line, compared by the figure that decides."""
    names = sorted(measured.peers(shown.workload, shown.tag), key=peers.position)
    if not names:
        return ""

    def value(name):
        return measured.median(shown.figure, shown.workload, name, shown.tag)

    head = ["", "runs", shown.figure.label, "× floor", "× ropewalk", *(figure.label for figure in shown.more)]
    rows = []
    for name in names:
        own = cell(measured, shown.figure, shown.workload, name, shown.tag)
        beside = [ratio(value(name), value(other)) for other in alike(name)]
        more = [cell(measured, figure, shown.workload, name, shown.tag) for figure in shown.more]
        runs = str(len(measured.of(shown.workload, name, shown.tag)))
        rows.append([name, runs, own, *beside, *more])
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


def figure_a_line(head, names, lines):
    """A figure a line. `lines` are its label, its value of a library, and how that is shown."""
    columns = [head]
    for name in names:
        columns += [name, *(f"× {other.split('/')[0]}" for other in others(name, names))]
    rows = []
    for label, value, shown in lines:
        row = [label]
        for name in names:
            row += [shown(name), *(ratio(value(name), value(other)) for other in others(name, names))]
        rows.append(row)
    return table(columns, rows)


def others(name, names):
    """Those of the floor and Ropewalk that stand before a library."""
    return [other for other in alike(name) if other in names[:names.index(name)]]


def dispatch(measured):
    """What it takes to ask hooks."""
    names = sorted(measured.peers("W7", ""), key=peers.position)

    def line(figure):
        return (
            figure.label, lambda name: measured.median(figure, "W7", name),
            lambda name: cell(measured, figure, "W7", name, ""),
        )

    head = "ns per dispatch, to so many callbacks"
    return figure_a_line(head, names, [line(figure) for figure in figures.HOOKS]) if names else ""


def instructions(measured):
    """What callgrind counted."""
    names = sorted({peer for workload, peer, _ in measured.runs if workload == "W9"}, key=peers.position)

    def line(label, *runs):
        def value(name):
            return measured.instructions(name, *runs)

        return label, value, lambda name: number(value(name))

    lines = [line(label, *runs) for label, runs in figures.COUNTED.items()]
    return figure_a_line("instructions", names, lines) if names else ""


OURS = ("floor/sessions", "ropewalk/full")
# What others are compared with, who have files of their own: written without waiting for the disk, as theirs are.
PLAIN = "file, buffered"
SESSIONS = f"""\
Compared by CPU time with what the floor and Ropewalk keep in the same way; other libraries with ({PLAIN}).
"""


def sessions(measured):
    """What it takes to keep a conversation, and to have it again."""
    at_10, at_1k, at_10k = figures.APPEND_CPU.values()
    parts = [
        kept(measured, "a message more", at_10k, [at_10, at_1k, *figures.APPEND.values(), figures.APPEND_MEAN]),
        kept(
            measured, "all of it opened", figures.RESTORE_CPU,
            [figures.RESTORE, figures.RESTORED, figures.BYTES, figures.FILES],
        ),
    ]
    return "\n".join([SESSIONS, *parts]) if all(parts) else ""


def kept(measured, what, figure, more):
    """A library and its kind of files a line, compared by the figure that decides."""
    rows = []
    for tag in measured.tags("W8"):
        for name in sorted(measured.peers("W8", tag), key=peers.position):
            own = measured.median(figure, "W8", name, tag)
            against = tag if name in OURS else PLAIN
            beside = [ratio(own, measured.median(figure, "W8", other, against)) for other in OURS]
            figures_more = [cell(measured, one, "W8", name, tag) for one in more]
            rows.append([f"{name} ({tag})", cell(measured, figure, "W8", name, tag), *beside, *figures_more])
    head = [what, figure.label, "× floor", "× ropewalk", *(one.label for one in more)]
    return table(head, rows) if rows else ""

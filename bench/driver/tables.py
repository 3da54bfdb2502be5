"""The tables of the report: which figure decides, and what else is shown."""
import dataclasses

from driver import figures


@dataclasses.dataclass(frozen=True)
class Table:
    workload: str
    tag: str
    # What is below the workload's title; nothing for the table that needs no name.
    title: str
    # Libraries are compared by this one.
    figure: figures.Figure
    more: tuple = ()


COLD = Table("W1", "", "", figures.COLD_CPU, (figures.COLD_WALL, figures.PEAK_MB))
CYCLES = Table(
    "W2", "", "", figures.CYCLE_CPU,
    (figures.CYCLE_WALL, figures.CYCLE_FIRST, figures.CYCLE_SERVER, figures.PEAK_MB),
)
IN_PROCESS = Table(
    "W2", "in process", "The same with a model in the process: the loop alone.", figures.CYCLE_CPU,
    (figures.CYCLE_WALL, figures.CYCLE_FIRST),
)
SECTIONS = (figures.HISTORY_FIRST, figures.HISTORY_MIDDLE, figures.HISTORY_GROWTH, figures.HISTORY_CPU)
HISTORY = Table(
    "W3", "", "", figures.HISTORY_LAST,
    (*SECTIONS, figures.HISTORY_WALL, figures.PEAK_MB, figures.HISTORY_CYCLES),
)
HISTORY_IN_PROCESS = Table(
    "W3", "in process", "The same with a model in the process.", figures.HISTORY_LAST,
    (*SECTIONS, figures.PEAK_MB, figures.HISTORY_CYCLES),
)
STREAM = Table(
    "W4", "", "The server writes as fast as the socket takes it: many pieces a read.", figures.CHUNK_CPU,
    (figures.CHUNK_RATE, figures.CHUNK_SWITCHES, figures.PEAK_MB),
)
STREAM_APART = Table(
    "W4", "one by one", "Each piece is written by itself, as tokens come.", figures.CHUNK_CPU,
    (figures.CHUNK_RATE, figures.CHUNK_SWITCHES),
)
MANY = Table("W5", "", "", figures.MANY_CPU, (figures.MANY_RATE, figures.PEAK_MB))
IDLE = Table("W6", "", "Each with four messages of its own.", figures.IDLE_KB, (figures.IDLE_CPU, figures.IDLE_BEFORE))
IDLE_SHARED = Table(
    "W6", "history of the blueprint", "All with the history of their blueprint.", figures.IDLE_KB,
    (figures.IDLE_CPU, figures.IDLE_BEFORE),
)

ALL = [COLD, CYCLES, IN_PROCESS, HISTORY, HISTORY_IN_PROCESS, STREAM, STREAM_APART, MANY, IDLE, IDLE_SHARED]

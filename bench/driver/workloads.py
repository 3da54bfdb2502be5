"""What is measured."""
import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Measurement:
    """A program's run: its workload and numbers, and the name of this run among those of the workload."""

    arguments: list
    tag: str = ""
    # How often in a round.
    times: int = 1
    # Whether its instructions are counted, in place of its time.
    counted: bool = False
    # Whether its files lie where no disk is waited for.
    in_memory: bool = False


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    title: str
    # The measurements of a library.
    of: Callable
    # Whether one round says it all.
    once: bool = False


def measurement(arguments, tag="", **more):
    return Measurement(arguments.split(), tag, **more)


def python(peer):
    return peer.language == "python"


def blocks(peer):
    """Whether its answers come in one piece."""
    return peer.environment.get("BENCH_MODE") == "block"


def has_model(peer):
    """Whether a model in the process makes a difference that nothing else shows."""
    return not blocks(peer) and peer.name != "strands-py/shared"


def cold(peer):
    # Short, and so noisy.
    return [measurement("cold", times=3 if peer.language == "rust" else 1)]


def cycles(peer):
    yield measurement(f"loop n=100 reps={3 if python(peer) else 6}")
    if has_model(peer):
        yield measurement("inproc n=100 reps=6", "in process")


def history(peer):
    # Strands for Python ends in a RecursionError near 316 cycles.
    count = 300 if python(peer) else 1000
    if peer.name != "strands-py":
        yield measurement(f"history n={count}")
    if has_model(peer):
        yield measurement(f"history n={count} model=process", "in process")


def stream(peer):
    return [measurement("stream reps=3 flush=0"), measurement("stream reps=3 flush=1", "one by one")]


def concurrent(peer):
    return [measurement(f"conc agents=500 cycles=5 reps={1 if python(peer) else 3}")]


def idle(peer):
    yield measurement("idle agents=1000")
    if peer.library == "ropewalk":
        yield measurement("idle agents=1000 shared=1", "history of the blueprint")


def hooks(peer):
    # No runtime of the workload's has a part in it.
    return [] if peer.single else [measurement("hooks")]


def sessions(peer):
    if peer.name in ["floor/sessions", "ropewalk/full"]:
        for store in ["file", "sqlite"]:
            for durability in ["synced", "buffered"]:
                yield measurement(f"session store={store} durability={durability}", f"{store}, {durability}")
    elif peer.name in ["strands-py", "strands-ts"]:
        yield measurement("session", "disk")
        yield measurement("session", "memory", in_memory=True)


def instructions(peer):
    """Differences of two sizes say what one unit takes; see `figures.instructions`."""
    if not peer.single or blocks(peer):
        return
    for name, arguments in INSTRUCTIONS.items():
        if name == "hooks 100" and peer.library not in ["rig", "ropewalk"]:
            continue
        yield measurement(arguments, name, counted=True)


INSTRUCTIONS = {
    "cold": "cold",
    "cycles 50": "loop n=50 reps=1",
    "cycles 150": "loop n=150 reps=1",
    "chunks 2000": "stream tokens=2000 reps=1",
    "chunks 10000": "stream tokens=10000 reps=1",
    "hooks 100": "loop n=50 reps=1 hooks=100",
    "sync 1000": "dispatch kind=sync hooks=10 n=1000",
    "sync 11000": "dispatch kind=sync hooks=10 n=11000",
    "async 1000": "dispatch kind=async hooks=10 n=1000",
    "async 11000": "dispatch kind=async hooks=10 n=11000",
}

ALL = [
    Workload("W1", "cold start: from nothing to the first answer", cold),
    Workload("W2", "100 tool cycles of one agent", cycles),
    Workload("W3", "1,000 tool cycles in one conversation", history),
    Workload("W4", "an answer of 20,000 streamed pieces", stream),
    Workload("W5", "500 agents at once, 5 tool cycles each", concurrent),
    Workload("W6", "1,000 agents that do nothing, with 5 tools and 4 messages each", idle),
    Workload("W7", "dispatch of hooks", hooks),
    Workload("W8", "sessions: a message more, and all again", sessions),
    Workload("W9", "instructions, which don't depend on what else the machine does", instructions, once=True),
]


def named(names):
    """Those with these names; all if there are none."""
    by_name = {workload.name: workload for workload in ALL}
    for name in names:
        if name.upper() not in by_name:
            raise ValueError(f"there is no workload `{name}`; there are {', '.join(by_name)}")
    wanted = {name.upper() for name in names} or by_name.keys()
    return [workload for workload in ALL if workload.name in wanted]

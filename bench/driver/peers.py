"""Who is measured."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Peer:
    """A library in one way of using it."""

    name: str
    about: str
    language: str = "rust"
    environment: dict = dataclasses.field(default_factory=dict)
    # The workloads it takes part in; all unless said.
    workloads: tuple = ()
    # What is built for it, where that is not named as its library.
    binary: str = ""

    @property
    def library(self):
        return self.name.split("/")[0]

    @property
    def program(self):
        """What is built or fetched for it."""
        return self.binary or self.library

    @property
    def single(self):
        """Whether its runtime has one thread."""
        return self.environment.get("BENCH_RT") == "ct"

    def takes_part(self, workload):
        return not self.workloads or workload in self.workloads


SINGLE = {"BENCH_RT": "ct"}
BLOCK = SINGLE | {"BENCH_MODE": "block"}
SLIM = "ropewalk-slim"
FULL = "ropewalk-full"
CYCLES = ("W1", "W2", "W3", "W5")
# The full shape differs where an agent works.
WORK = ("W1", "W2", "W3", "W4", "W5")

ALL = [
    Peer("floor", "no library: a loop by hand, its connection in the agent's task"),
    Peer("floor/ct", "the same on a runtime of one thread", environment=SINGLE),
    Peer("floor/naive", "a loop by hand as it is mostly written", environment={"BENCH_FLOOR": "naive"}, workloads=WORK),
    Peer(
        "floor/sessions", "a conversation kept by hand: a line or a row for each message",
        binary="floor-sessions", workloads=("W8",),
    ),
    Peer("ropewalk", "Ropewalk as its builder gives it"),
    Peer("ropewalk/ct", "the same on a runtime of one thread", environment=SINGLE),
    Peer("ropewalk/slim", "Ropewalk without its default features", binary=SLIM, workloads=("W1",)),
    Peer("ropewalk/slim-ct", "the same on a runtime of one thread", binary=SLIM, environment=SINGLE, workloads=("W1",)),
    Peer("ropewalk/full", "with five hooks, sessions in SQLite, and spans", binary=FULL, workloads=(*WORK, "W8")),
    Peer("ropewalk/full-ct", "the same on a runtime of one thread", binary=FULL, environment=SINGLE, workloads=WORK),
    Peer("rig", "rig"),
    Peer("rig/ct", "rig on a runtime of one thread", environment=SINGLE),
    Peer("rig/block", "the same, and the answer comes in one piece", environment=BLOCK, workloads=CYCLES),
    Peer("adk", "adk-rust"),
    Peer("adk/ct", "adk-rust on a runtime of one thread", environment=SINGLE),
    Peer("autoagents", "AutoAgents"),
    Peer("autoagents/ct", "AutoAgents on a runtime of one thread", environment=SINGLE),
    Peer("autoagents/block", "the same, and the answer comes in one piece", environment=BLOCK, workloads=CYCLES),
    Peer("strands-ts", "Strands Agents for TypeScript", language="typescript"),
    Peer("strands-py", "Strands Agents for Python", language="python"),
    Peer(
        "strands-py/shared", "the same with one client for all calls", language="python",
        environment={"STRANDS_CLIENT": "shared"}, workloads=("W2", "W3", "W5"),
    ),
]


def named(only):
    """Those that `--only` names."""
    if not only:
        return ALL
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    for name in wanted:
        if not any(name in names(peer) for peer in ALL):
            known = ", ".join(peer.name for peer in ALL)
            raise ValueError(f"--only: there is no `{name}`; there are {known}")
    return [peer for peer in ALL if any(name in names(peer) for name in wanted)]


def names(peer):
    return {peer.name, peer.library, peer.language}


def position(name):
    """Where a peer stands in tables."""
    order = [peer.name for peer in ALL]
    return order.index(name) if name in order else len(order)

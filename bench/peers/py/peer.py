"""Strands Agents for Python: `peer.py WORKLOAD [NAME=VALUE…]`, as the programs in Rust.

What a workload does not need is not imported: a start is as long as that of any program.
"""
import sys

import common


def main():
    name = common.WORKLOAD
    if name == "session":
        import sessions

        sessions.session()
    elif name == "hooks":
        import hooks

        hooks.hooks()
    else:
        import workloads

        known = {
            "cold": workloads.cold,
            "loop": workloads.rounds,
            "inproc": lambda: workloads.rounds(scripted=True),
            "history": workloads.history,
            "stream": workloads.stream,
            "conc": workloads.concurrent,
            "idle": workloads.idle,
        }
        if name not in known:
            sys.exit(common.NOT_OFFERED)
        known[name]()


if __name__ == "__main__":
    main()

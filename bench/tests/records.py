"""Records as programs give them."""


def record(workload, peer, result, tag="", **more):
    """A run of a library."""
    launch = {"cpu_s": 0.002, "first_s": 0.003, "peak_kb": 2048, "voluntary_switches": 10}
    return {
        "workload": workload, "peer": peer, "tag": tag, "took_s": 1.0, "pressure": 0.0, "server_cpu_s": 0.0,
        "launch": launch, "result": result, **more,
    }


def cycles(peer, *seconds, tag=""):
    """A run of W2: what a hundred cycles took, so many times."""
    return record("W2", peer, {"cycles": 100, "cpu_s": list(seconds), "wall_s": list(seconds)}, tag)


def conversation(peer, marks):
    """A run of W3, with what the clocks said behind some of its cycles."""
    last = marks[-1][0]
    return record("W3", peer, {"cycles": last, "cpu_s": marks[-1][2], "marks": marks})


def about(*workloads):
    """What stands before the records of a run."""
    return {
        "workloads": list(workloads), "machine": "a machine", "cores": [0, 1], "rounds": 3, "versions": {"rig": "1.2"},
        "date": "2026-11-27",
    }

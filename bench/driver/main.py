"""All of it, in its order."""
import json
import shutil
import subprocess
import sys
import time

from driver import install, machine, options, places, report, versions
from driver.measure import Measuring
from driver.server import Server


def main():
    """Does what the command line says; gives the exit status."""
    chosen = options.parse()
    if chosen.report:
        return show(chosen)
    try:
        if not chosen.no_build:
            install.install(chosen.peers, say)
        measure(chosen)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as problem:
        print(f"bench/run: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench/run: ended; what was measured is kept, `bench/run --report` shows it", file=sys.stderr)
        return 130
    return show(chosen)


def measure(chosen):
    client, server_core = machine.cores(not chosen.no_pin)
    places.SCRATCH.mkdir(parents=True, exist_ok=True)
    kept = []
    if chosen.keep and places.RESULTS.exists():
        names = {(workload.name, peer.name) for workload in chosen.workloads for peer in chosen.peers}
        lines = places.RESULTS.read_text().splitlines()
        kept = [line for line in lines if key(json.loads(line)) not in names]
    with open(places.RESULTS, "w") as results:
        results.writelines(f"{line}\n" for line in kept)

        def keep(record):
            results.write(json.dumps(record) + "\n")
            results.flush()

        keep({
            "workloads": [workload.name for workload in chosen.workloads], "machine": machine.describe(),
            "cores": [client, server_core], "rounds": chosen.rounds, "versions": versions.of(chosen.peers),
            "date": time.strftime("%Y-%m-%d"),
        })
        with Server(server_core) as server, Measuring(server, client, chosen.patience) as measuring:
            for workload in chosen.workloads:
                one(workload, chosen, measuring, keep)


def key(record):
    return record.get("workload"), record.get("peer")


def one(workload, chosen, measuring, keep):
    """One workload: rounds over all libraries in turn."""
    if workload.name == "W9" and not shutil.which("valgrind"):
        say("W9 is left out: there is no valgrind")
        return
    missing = set()
    for round_number in range(1 if workload.once else chosen.rounds):
        for peer in chosen.peers:
            if not peer.takes_part(workload.name):
                continue
            for measurement in workload.of(peer):
                for _ in range(measurement.times):
                    if (peer.name, measurement.tag) in missing:
                        continue
                    record = measuring.run(workload, peer, measurement)
                    if record is None:
                        missing.add((peer.name, measurement.tag))
                        continue
                    keep(record)
                    progress(workload, peer, measurement, round_number, record)


def progress(workload, peer, measurement, round_number, record):
    failure = record.get("failure")
    outcome = f"failed: {failure}" if failure else f"{record['took_s']:8.2f} s"
    say(f"{workload.name} round {round_number + 1} {peer.name:18} {measurement.tag:26} {outcome}")


def show(chosen):
    if not places.RESULTS.exists():
        print("bench/run: nothing was measured yet", file=sys.stderr)
        return 1
    records = [json.loads(line) for line in places.RESULTS.read_text().splitlines()]
    text = report.report(records)
    print(text)
    if chosen.save:
        places.FIGURES.write_text(text)
        say(f"written to {places.FIGURES.relative_to(places.ROOT)}")
    return 0


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

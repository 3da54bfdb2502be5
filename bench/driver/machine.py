"""The machine: its cores, and how busy it is."""
import os
import pathlib
import platform
import time

PRESSURE = pathlib.Path("/proc/pressure/cpu")
# Quiet is a machine where tasks wait for a core for less than this part of the time.
QUIET = 0.15
PRIORITY = -10


def cores(pin):
    """A core for the client and one for the server; none of both if they are not to be pinned or there is but one."""
    available = sorted(os.sched_getaffinity(0))
    if not pin or len(available) < 2:
        return None, None
    return available[0], available[-1]


def settle(core):
    """Moves this process to its core and before others, as far as it may. Called in the child."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    except PermissionError:
        pass


def waited():
    """For how many seconds some task waited for a core since the start of the machine."""
    try:
        some = PRESSURE.read_text().splitlines()[0]
    except OSError:
        return 0.0
    return int(some.rpartition("=")[2]) / 1e6


def wait_until_quiet(patience):
    """Waits until the machine does nothing else, or patience ends."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        before = waited()
        time.sleep(0.25)
        if (waited() - before) / 0.25 < QUIET:
            return
        time.sleep(0.75)


def describe():
    """The machine in a line."""
    name = platform.processor() or platform.machine()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            name = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} × {name}, {memory:.0f} GB, {platform.system()} {platform.release()}"

"""Fetches and builds what is measured."""
import shutil
import subprocess
import sys

from driver import places


def install(peers, say):
    """All that these libraries need, and the server."""
    build(["--profile", "server", "-p", "bench-server"], "the server", say)
    for program in unique(peer.program for peer in peers if peer.language == "rust"):
        # One by one: together they would share features that each alone does not switch on.
        build(["--release", "-p", f"peer-{program}"], program, say)
    languages = {peer.language for peer in peers}
    if "python" in languages:
        python(say)
    if "typescript" in languages:
        typescript(say)


def unique(items):
    return list(dict.fromkeys(items))


def build(arguments, what, say):
    say(f"building {what}")
    # Some declare a newer compiler than they need.
    command = ["cargo", "build", "--quiet", "--ignore-rust-version", *arguments]
    subprocess.run(command, cwd=places.BENCH, check=True)


def python(say):
    wanted = places.BENCH / "peers/py/requirements.txt"
    if not fetched(places.PYTHON, wanted):
        say("fetching strands-py")
        subprocess.run([sys.executable, "-m", "venv", "--clear", places.PYTHON], check=True)
        pip = [places.PYTHON / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", wanted], check=True)
        shutil.copy(wanted, places.PYTHON)


def typescript(say):
    source = places.BENCH / "peers/ts"
    wanted = source / "package.json"
    if not fetched(places.TYPESCRIPT, wanted):
        say("fetching strands-ts")
        shutil.rmtree(places.TYPESCRIPT, ignore_errors=True)
        places.TYPESCRIPT.mkdir(parents=True)
        shutil.copy(wanted, places.TYPESCRIPT)
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
        try:
            subprocess.run(npm, cwd=places.TYPESCRIPT, check=True)
        except (OSError, subprocess.CalledProcessError):
            # Half of it must not pass for the whole next time.
            shutil.rmtree(places.TYPESCRIPT)
            raise
    # Modules are looked for beside the program.
    for program in source.glob("*.mjs"):
        shutil.copy(program, places.TYPESCRIPT)


def fetched(folder, wanted):
    """Whether what a file asks for is there already: a copy of the file lies beside it."""
    kept = folder / wanted.name
    return kept.exists() and kept.read_text() == wanted.read_text()

"""Which versions are measured."""
import json
import re
import subprocess

from driver import measure, places

CRATES = {"rig": "rig", "adk": "adk-rust", "autoagents": "autoagents"}


def of(peers):
    """What was built or fetched, by name."""
    versions = {"rustc": output("rustc", "--version").removeprefix("rustc ")}
    libraries = {peer.library for peer in peers}
    if "ropewalk" in libraries:
        versions["ropewalk"] = output("git", "describe", "--always", "--dirty", cwd=places.BENCH) or "unknown"
    for library in sorted(libraries & CRATES.keys()):
        versions[CRATES[library]] = locked(CRATES[library])
    if "strands-py" in libraries:
        packages = json.loads(output(places.PYTHON / "bin/python", "-m", "pip", "list", "--format=json") or "[]")
        found = {package["name"]: package["version"] for package in packages}
        versions |= {name: found.get(name, "missing") for name in ["strands-agents", "openai"]}
        versions["python"] = output(places.PYTHON / "bin/python", "--version").removeprefix("Python ")
    if "strands-ts" in libraries:
        for name in ["@strands-agents/sdk", "openai"]:
            described = places.TYPESCRIPT / "node_modules" / name / "package.json"
            key = name if name not in versions else f"{name} (npm)"
            versions[key] = json.loads(described.read_text())["version"]
        versions["node"] = output(measure.node(), "--version")
    return versions


def locked(crate):
    text = (places.BENCH / "Cargo.lock").read_text()
    found = re.search(rf'name = "{re.escape(crate)}"\nversion = "([^"]+)"', text)
    return found[1] if found else "unknown"


def output(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    return done.stdout.strip()

"""Where things are."""
import os
import pathlib

BENCH = pathlib.Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", BENCH / "target")).resolve()
# All that is fetched, and what was measured. Git takes no notice of it.
SCRATCH = TARGET / "peers"
RESULTS = SCRATCH / "results.jsonl"
# A file system without a disk.
MEMORY = pathlib.Path("/dev/shm")
FIGURES = ROOT / "docs" / "performance-figures.md"

RELEASE = TARGET / "release"
SERVER = TARGET / "server"
PYTHON = SCRATCH / "python"
TYPESCRIPT = SCRATCH / "typescript"

"""The command line."""
import argparse

from driver import peers, workloads

ABOUT = """\
Measures Ropewalk beside other libraries and a loop written by hand ("floor"): the same work, against the same
scripted model server, each in a process of its own. What it needs it fetches through the package clients (cargo,
pip, npm) and builds, all in a scratch folder. Client and server have a core each where there are two. Rounds go over
all libraries in turn, so that noise hits all alike. At the end it prints a report in Markdown.

CPU time per unit is the figure to trust: it depends least on what else the machine does.
"""

EXAMPLES = """\
examples:
  bench/run                               everything (hours: Python is slow)
  bench/run W2 --only ropewalk,floor      a hundred tool cycles, Ropewalk and the floor
  bench/run W2 W4 --only rust --quick     one round of two workloads, all libraries in Rust
  bench/run W2 --only ropewalk --keep     measures Ropewalk anew, and keeps the rows of the others
  bench/run --report                      the last report again, nothing is measured
  bench/run --save                        writes the report into docs/performance-figures.md too

workloads:
{workloads}

libraries (`--only` takes a name, its part before a slash, or a language: rust, python, typescript):
{peers}
"""


def parse(arguments=None):
    """The options; ends the program if they are none."""
    listed = "\n".join(f"  {workload.name}  {workload.title}" for workload in workloads.ALL)
    names = "\n".join(f"  {peer.name:20} {peer.about}" for peer in peers.ALL)
    parser = argparse.ArgumentParser(
        prog="bench/run",
        description=ABOUT,
        epilog=EXAMPLES.format(workloads=listed, peers=names),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("workloads", nargs="*", metavar="W", help="which workloads, all unless said: W1 … W9")
    parser.add_argument("--only", metavar="NAMES", help="which libraries, parted by commas")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (5)")
    parser.add_argument("--quick", action="store_true", help="one round: a look, no figure to quote")
    parser.add_argument("--keep", action="store_true", help="keep what was measured before of others")
    parser.add_argument("--report", action="store_true", help="measure nothing, print the last report")
    parser.add_argument("--save", action="store_true", help="write the report into docs/performance-figures.md")
    parser.add_argument("--no-build", action="store_true", help="take what was built and fetched before")
    parser.add_argument("--no-pin", action="store_true", help="let the system place client and server")
    parser.add_argument(
        "--patience", type=float, default=20, metavar="SECONDS",
        help="the longest wait, before each run, for a machine that does nothing else (20)",
    )
    options = parser.parse_args(arguments)
    try:
        options.workloads = workloads.named(options.workloads)
        options.peers = peers.named(options.only)
    except ValueError as problem:
        parser.error(str(problem))
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    if options.quick:
        options.rounds = 1
    return options

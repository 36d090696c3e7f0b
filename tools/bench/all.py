"""All benchmarks of the whole flow, one after the other: nothing else may run on the machine meanwhile.

Run: python tools/bench/all.py [--quick] [--json FOLDER] [--markdown > docs/measured.md]

About a quarter of an hour on 2 cores; `--quick` takes three minutes, and is for a look only.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tools.bench.report import progress

QUICK = {
    "replay": ["--rounds", "1"],
    "latency": ["--rounds", "1"],
    "bus": ["--seconds", "8"],
    "memory": ["--frames", "3000"],
    "networks": ["--quick"],
}
HEAD = """# Measured

What the flow does on a real machine, and whether the targets hold. This page is written by a command; it takes a quarter of an hour
on an idle machine and needs the recordings (`STREAMFUSE_DATA`; without them a drawn scene is replayed instead):

    pip install -e '.[test]'
    python tools/bench/all.py --markdown > docs/measured.md

Each section is also a command of its own, which stands below its table with the commit, the machine and the day. Figures of different
machines, or of a machine that others use (`load before` above 0.5), cannot be compared; rows of one table can.
"""


def main() -> None:
    """Run them in sequence."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and frames")
    parser.add_argument("--json", type=Path, help="also write every figure to a file of each benchmark in this folder")
    parser.add_argument("--markdown", action="store_true", help="print the whole page docs/measured.md")
    given = parser.parse_args()
    if given.json is not None:
        given.json.mkdir(parents=True, exist_ok=True)
    if given.markdown:
        print(HEAD, flush=True)
    for name, quick in QUICK.items():
        progress(f"--- {name}")
        command = [sys.executable, str(Path(__file__).with_name(f"{name}.py"))]
        command += quick if given.quick else []
        command += ["--json", str(given.json / f"{name}.json")] if given.json is not None else []
        if code := subprocess.run(command, check=False).returncode:
            sys.exit(f"{name} failed with exit code {code}")


if __name__ == "__main__":
    main()

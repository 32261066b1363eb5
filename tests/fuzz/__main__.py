"""Run one target: `python -m tests.fuzz door --runs 100000`."""

from __future__ import annotations

import argparse
import importlib
import sys

TARGETS = ("door", "mapping", "json")


def main() -> None:
    """Fuzz until a finding, which is a traceback, or until the runs or seconds are over."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("name", choices=TARGETS)
    parser.add_argument("--runs", type=int, default=-1, metavar="N", help="executions; without end by default")
    parser.add_argument("--seconds", type=int, default=0, metavar="N", help="time; without end by default")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    given = parser.parse_args()
    try:
        import atheris
    except ImportError:
        parser.exit(2, "atheris is missing: it is no dependency of the project, install it first\n")
    with atheris.instrument_imports(include=["analytics_es"]):
        target = importlib.import_module(f"tests.fuzz.{given.name}_target").target
    options = [f"-runs={given.runs}", f"-max_total_time={given.seconds}", f"-seed={given.seed}", "-max_len=2048"]
    atheris.Setup([sys.argv[0], *options], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

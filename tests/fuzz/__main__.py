"""Run one target: `python -m tests.fuzz door --runs 100000`."""

from __future__ import annotations

import argparse
import importlib
import itertools
import resource
import sys
import time
import traceback
from types import ModuleType

from tests.fuzz.requests import changed

TARGETS = ("door", "mapping", "json", "otlp", "http")
TELL_EVERY = 100_000


def main() -> None:
    """Fuzz until a finding, which is a traceback, or until the runs or seconds are over.

    Without atheris, targets that have seeds are given these, changed by chance.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("name", choices=TARGETS)
    parser.add_argument("--runs", type=int, default=-1, metavar="N", help="executions; without end by default")
    parser.add_argument("--seconds", type=int, default=0, metavar="N", help="time; without end by default")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--by-chance", action="store_true", help="change seeds by chance, even where atheris is")
    options = parser.parse_args()
    try:
        import atheris
    except ImportError:
        atheris = None
    if atheris is None or options.by_chance:
        module = _module(options.name)
        if not hasattr(module, "SEEDS"):
            parser.exit(2, "atheris is missing: it is no dependency of the project, install it first\n")
        sys.exit(_by_chance(module, options.runs, options.seconds, options.seed))
    with atheris.instrument_imports(include=["analytics_es"]):
        module = _module(options.name)
    arguments = [f"-runs={options.runs}", f"-max_total_time={options.seconds}", f"-seed={options.seed}"]
    atheris.Setup([sys.argv[0], *arguments, "-max_len=2048"], module.target)
    atheris.Fuzz()


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"tests.fuzz.{name}_target")


def _by_chance(module: ModuleType, runs: int, seconds: int, seed: int) -> int:
    began, number, body = time.monotonic(), 0, b""
    bodies = changed(module.SEEDS, seed)
    try:
        for number, body in enumerate(itertools.islice(bodies, runs if runs >= 0 else None), 1):
            module.target(body)
            if number % TELL_EVERY == 0:
                _tell(number, began)
            if seconds and time.monotonic() - began > seconds:
                break
    except Exception:
        traceback.print_exc()
        sys.stderr.write(f"body {number} of seed {seed}: {body.hex()}\n")
        return 1
    _tell(number, began)
    return 0


def _tell(number: int, began: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(f"{number:,} bodies in {time.monotonic() - began:.0f} s, at most {peak} MB\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

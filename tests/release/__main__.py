"""Build, look, install, run, type-check: `python -m tests.release [--every] [--keep FOLDER]`; a fault ends with 1."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.release import archives, installed, sessions, types
from tests.release.commands import Fault
from tests.release.pythons import pythons

Step = tuple[str, Callable[[], str]]


def main() -> int:
    """Do every step, and say which ones went well; what is built and installed has to, before the rest is tried."""
    options, begin, faults = _options(), time.monotonic(), 0
    with _folder(options.keep) as folder:
        for first, *rest in _steps(folder, every=options.every):
            faults += 0 if (there := _went_well(first)) else 1
            faults += sum(not _went_well(step) for step in rest if there)
    sys.stdout.write(f"{faults or 'no'} fault{'' if faults == 1 else 's'}, {time.monotonic() - begin:.0f} s\n")
    return 1 if faults else 0


def _steps(folder: Path, *, every: bool) -> Iterator[list[Step]]:
    """Yield the steps, in groups of which the first one makes what the others look at."""
    dist = folder / "dist"
    yield [
        ("archives are built", partial(archives.build, dist)),
        ("archives hold what they should", partial(archives.check, dist)),
        ("archives have a page for the index", partial(archives.check_page, dist)),
        ("a checkout without links makes the same wheel", partial(archives.check_without_links, folder)),
    ]
    if every:
        yield [("sessions are counted beside ccusage", partial(sessions.beside_ccusage, folder))]
    for number, (version, python) in enumerate(pythons(every=every).items()):
        place = folder / f"python{version}"
        steps: list[Step] = [
            ("installed alone", partial(installed.install, python, place, dist)),
            ("beside an application", partial(installed.beside_an_application, place)),
            ("what README shows, twice", partial(installed.readme_twice, place)),
            ("its program", partial(installed.program, place)),
            *((checker, partial(types.check, checker, place)) for checker in types.CHECKERS if number == 0),
        ]
        yield [(f"Python {version}: {what}", work) for what, work in steps]


def _went_well(step: Step) -> bool:
    what, work = step
    sys.stdout.write(f"{what} … ")
    sys.stdout.flush()
    begin = time.monotonic()
    try:
        seen = work()
    except Fault as fault:
        sys.stdout.write(f"FAULT\n{fault}\n\n")
        return False
    sys.stdout.write(f"{seen} ({time.monotonic() - begin:.1f} s)\n")
    return True


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep:
        keep.mkdir(parents=True)
        yield keep.absolute()
    else:
        with TemporaryDirectory(prefix="analytics-es-release-") as folder:
            yield Path(folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.release", description="Try what would be released.")
    parser.add_argument("--every", action="store_true", help="try every Python of the classifiers that is there")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="a new folder for archives and environments")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""Build, look, install, run, type-check: `python -m tests.release [--every] [--keep FOLDER]`; ends with 1 at a fault."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.release import archives, installed, types
from tests.release.commands import Fault
from tests.release.pythons import pythons


def main() -> int:
    """Do every step, and say which ones went well."""
    options = _options()
    begin, faults = time.monotonic(), 0

    def step(what: str, work: Callable[[], str]) -> bool:
        nonlocal faults
        sys.stdout.write(f"{what} … ")
        sys.stdout.flush()
        started = time.monotonic()
        try:
            seen = work()
        except Fault as fault:
            faults += 1
            sys.stdout.write(f"FAULT\n{fault}\n\n")
            return False
        sys.stdout.write(f"{seen} ({time.monotonic() - started:.1f} s)\n")
        return True

    with _folder(options.keep) as folder:
        if not step("archives are built", lambda: archives.build(folder / "dist")):
            return 1
        step("archives hold what they should", lambda: archives.check(folder / "dist"))
        step("archives have a page for the index", lambda: archives.check_page(folder / "dist"))
        step("a checkout without links makes the same wheel", lambda: archives.check_without_links(folder))
        for number, (version, python) in enumerate(pythons(every=options.every).items()):
            place = folder / f"python{version}"
            if step(f"Python {version}: installed alone", lambda: installed.install(python, place, folder / "dist")):
                step(f"Python {version}: beside an application", lambda: installed.beside_an_application(place))
                step(f"Python {version}: what README shows, twice", lambda: installed.readme_twice(place))
                step(f"Python {version}: its program", lambda: installed.program(place))
                for checker in types.CHECKERS if number == 0 else ():
                    step(f"Python {version}: {checker}", lambda: types.check(checker, place))
    sys.stdout.write(f"{faults or 'no'} fault{'' if faults == 1 else 's'}, {time.monotonic() - begin:.0f} s\n")
    return 1 if faults else 0


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep:
        keep.mkdir(parents=True)
        yield keep.absolute()
    else:
        with TemporaryDirectory(prefix="analytics-es-release-") as folder:
            yield Path(folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.release", description=(__doc__ or "").partition("`")[0])
    parser.add_argument("--every", action="store_true", help="try every Python of the classifiers that is there")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="a new folder for archives and environments")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""Take the figures: `python -m tests.benchmarks`, or `make bench BENCH="..."`; `--help` tells the options."""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import evolve

from tests.benchmarks import floors, large, page, report
from tests.benchmarks.figures import Effort, Figure
from tests.benchmarks.registry import about, figures_of, measurements
from tests.benchmarks.store import Store

SIZES, QUICK_SIZES = (200_000, 1_000_000), (20_000,)
QUICK = Effort(rounds=2, rebuilds=2, starts=2, runs=5, seconds=2, singles=200, writers=2, batches=10)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; a missed target is a figure, not an error."""
    options = _options(arguments)
    if options.list:
        sys.stdout.writelines(f"{name:12} {about(take)}\n" for name, take in measurements().items())
        return 0
    if options.docs:
        page.write()
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that temporary files are removed
    try:
        runs, failed = _measured(options)
    except KeyboardInterrupt:
        sys.stderr.write(f"\ninterrupted; what was measured is in {options.json}\n")
        return 130
    report.table(runs, report.load())
    sys.stderr.write(f"written to {options.json}\n")
    known = [*measurements(), large.NAME]
    wrong = floors.check(runs, floors.load(), options.only, known) if options.check else []
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    if failed:
        sys.stderr.write(f"failed: {', '.join(failed)}; nothing is kept\n")
    else:
        _keep(options, runs)
    return 1 if failed or wrong else 0


def _measured(options: argparse.Namespace) -> tuple[dict[str, report.Run], list[str]]:
    """Return the runs by their sizes, and what failed; what is measured is written at once, whatever comes after."""
    effort = evolve(QUICK if options.quick else Effort(), calls_per_task=options.calls_per_task)
    runs, failed = dict[str, report.Run](), list[str]()

    def take(run: str, works: Mapping[str, Callable[[], Iterator[Figure]]]) -> None:
        machine, figures = report.machine(), list[Figure]()
        for name, work in works.items():
            try:
                figures += work()
            except Exception:
                failed.append(f"{name} of {run}")
                sys.stderr.write(f"{name} failed:\n{traceback.format_exc()}")
            machine["load_average_after"] = report.load_average()
            runs[run] = report.run_of(figures, machine)
            report.save(runs, options.json)

    if options.large:
        take(large.NAME, {large.NAME: partial(large.large, options.events, effort)})
        return runs, failed
    for size in options.events:
        sys.stderr.write(f"{size:,} events\n")
        with TemporaryDirectory(prefix="analytics-es-") as folder:
            store = Store(Path(folder), size, effort.calls_per_task)
            take(str(size), {name: partial(figures_of, name, store, effort) for name in options.only})
    return runs, failed


def _keep(options: argparse.Namespace, runs: Mapping[str, report.Run]) -> None:
    if options.keep:
        report.save({**report.load(), **runs}, report.LAST)
        page.write()
    if options.write_floors:
        floors.write(runs)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Figures beside yardsticks.")
    add = parser.add_argument
    add("--list", action="store_true", help="say what can be measured")
    add("--events", type=_sizes, help="sizes of the week, with commas between them; 200000,1000000 by default")
    add("--only", action="append", choices=measurements(), metavar="NAME", help="one measurement; may be repeated")
    add("--json", type=Path, default=Path("build/benchmarks.json"), help="where the figures go")
    add("--large", action="store_true", help="1,000,000 and 10,000,000 events side by side; made once, kept in build/")
    add("--quick", action="store_true", help="try the benchmarks themselves; the figures mean nothing")
    add("--check", action="store_true", help="end with 1 where a ratio is a quarter worse than its floor")
    add("--write-floors", action="store_true", help="make the ratios of this run the floors")
    add("--keep", action="store_true", help="make this the last run, to be committed, and write its page anew")
    add("--docs", action="store_true", help="write the tables of docs/benchmarks.md anew from the last run")
    add("--calls-per-task", type=float, default=Effort().calls_per_task, help="fewer calls, more tasks")
    options = parser.parse_args(arguments)
    if (options.keep or options.write_floors) and (options.only or options.quick):
        parser.error("--keep and --write-floors want a whole run: neither --only nor --quick")
    options.events = options.events or _default_sizes(options)
    if options.large and (options.only or len(options.events) != 2):
        parser.error("--large wants two sizes, the short one first, and no --only")
    options.only = (
        [large.NAME] if options.large else [name for name in measurements() if not options.only or name in options.only]
    )
    return options


def _default_sizes(options: argparse.Namespace) -> Sequence[int]:
    """Return what is measured where nothing is said: to be checked, the sizes that have floors."""
    if options.large:
        return large.SIZES
    if options.quick:
        return QUICK_SIZES
    floored = [int(size) for size in floors.load() if size.isdigit()] if options.check else []
    return floored or SIZES


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())

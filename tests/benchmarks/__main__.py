"""Take the figures: `python -m tests.benchmarks [--events 200000,1000000] [--only NAME] [--json FILE] [--quick]`."""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks import (
    appending,
    buffering,
    costing,
    exporting,
    freshness,
    ingesting,
    postgres,
    querying,
    rebuilding,
    replaying,
    report,
    starting,
)
from tests.benchmarks.figures import Effort, Figure
from tests.benchmarks.store import Store
from tests.benchmarks.workload import CALLS_PER_TASK

# In this order: the second records what the others read, the last records more.
MEASUREMENTS: dict[str, Callable[[Store, Effort], Iterator[Figure]]] = {
    "start": starting.start,
    "append": appending.append,
    "single": appending.single,
    "buffered": buffering.buffered,
    "rebuild": rebuilding.rebuild,
    "replay": replaying.replays,
    "queries": querying.queries,
    "costing": costing.costing,
    "export": exporting.export,
    "freshness": freshness.freshness,
    "nats": ingesting.ingest,
    "postgres": postgres.postgres,
}
QUICK = 20_000


def main() -> int:
    """Measure, print, write; a missed target is a figure, not an error."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that temporary files are removed
    effort = Effort(calls_per_task=options.calls_per_task)
    if options.quick:
        effort = Effort(rounds=1, runs=5, seconds=2, singles=200, calls_per_task=options.calls_per_task)
    about, figures, failed = report.machine(), list[Figure](), False
    for size in options.events or ([QUICK] if options.quick else [200_000, 1_000_000]):
        sys.stderr.write(f"{size:,} events\n")
        with TemporaryDirectory(prefix="analytics-es-") as folder:
            store = Store(Path(folder), size, effort.calls_per_task)
            for name in (name for name in MEASUREMENTS if name in (options.only or MEASUREMENTS)):
                try:
                    figures += MEASUREMENTS[name](store, effort)
                    report.save(options.json, figures, about)  # what is measured is kept, whatever comes after
                except Exception:
                    failed = True
                    sys.stderr.write(f"{name} of {size:,} events failed:\n{traceback.format_exc()}")
    about["load_average_after"] = report.load_average()
    report.table(figures, about)
    report.save(options.json, figures, about)
    sys.stderr.write(f"written to {options.json}\n")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Figures beside yardsticks.")
    sizes = "sizes of the week, with commas between them"
    parser.add_argument("--events", type=lambda text: [int(size) for size in text.split(",")], help=sizes)
    parser.add_argument("--only", action="append", choices=MEASUREMENTS, help="one measurement; may be repeated")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks.json"), help="where the figures go")
    parser.add_argument("--quick", action="store_true", help="try the benchmarks themselves; the figures mean nothing")
    parser.add_argument("--calls-per-task", type=float, default=CALLS_PER_TASK, help="fewer calls, more tasks")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""projections rebuild: read models derived again from the log."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import click

from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.options import PATH, confirm, db_option, tz_option, yes_option
from analytics_es.cli.periods import NOTHING, part_options
from analytics_es.cli.store import OpenStore, Place, existing
from analytics_es.events.codec import to_json
from analytics_es.presentation import Block, Column, Columns, Grid, Line, Number, words
from analytics_es.presentation.asked import Asked
from analytics_es.read_models.clusters import cluster
from analytics_es.types import AggregationResult, Progress, ProjectionStatus, RebuildResult, TimePeriod
from analytics_es.types.defaults import BATCH

try:
    import resource
except ImportError:  # there is none on Windows
    resource = None  # type: ignore[assignment]

SHORT = 500_000  # events of a log for which starting workers takes longer than it saves
MOST_WORKERS = 4
TELL_SECONDS = 1.0
_PLAN: Columns[ProjectionStatus] = [
    Column("projection", lambda status: status.name),
    Number("rows now", lambda status: words.count(status.rows)),
    Number("position", lambda status: words.count(status.position)),
    Column("state", lambda status: status.stale or "current"),
]


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--workers", type=click.IntRange(min=1), help="Processes that fold.  [default: the cores, up to 4]")
@click.option("--scheduler", metavar="URL", help="Fold on a Dask cluster instead, such as tcp://host:8786.")
@click.option(
    "--batch-size", type=click.IntRange(min=1), default=BATCH, show_default=True, help="Events folded at once."
)
@click.option(
    "--from-archive",
    "archive",
    type=PATH,
    metavar="DIR",
    help="Read what it holds from Parquet files that export wrote.",
)
@click.option("--set-aside", is_flag=True, help="List what a projection cannot use, and go on.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@yes_option
@click.option("--json", "as_json", is_flag=True, help="Print progress and result as lines of JSON.")
@part_options
@tz_option
@db_option
def rebuild(
    db: Place,
    names: Sequence[str],
    workers: int | None,
    scheduler: str | None,
    batch_size: int,
    asked: Asked,
    archive: Path | None,
    set_aside: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Derive read models again from the log: all, or those of the named projections.

    They are filled beside the live ones, which serve and are followed until the new ones are swapped in at once. What
    goes wrong leaves the live ones as they are. An event that a projection cannot use stops a rebuild; --set-aside
    lists it as a follower does. With a period only that stretch of the log is read, and only those hours and the days
    they lie in are derived again.

    \b
    Examples:
      analytics-es projections rebuild
      analytics-es projections rebuild cost --yes --json
      analytics-es projections rebuild usage --from 2026-11-01 --to 2026-11-02
      analytics-es projections rebuild usage --yesterday
      analytics-es projections rebuild --scheduler tcp://10.0.0.1:8786
      analytics-es projections rebuild --from-archive archive
    """
    if asked != NOTHING and (scheduler or archive or workers):
        raise click.UsageError("A period goes with none of --scheduler, --from-archive and --workers.")
    if asked != NOTHING and not asked.begins():
        raise click.UsageError("--to goes with --from.")
    with existing(db, rebuild="manual") as store:
        status = store.service.projections().unwrap()
        plan = _planned(status, names)
        period = asked.part(store.reads)
        head = max((projection.position + projection.lag_events for projection in status), default=0)
        if dry_run:
            answer = {"projections": plan, "events": head, "period": str(period) if period else None}
            print_answer({"plan": answer}, _plan(plan, head, period), as_json, indent=False)
            return
        derived = ", ".join(projection.name for projection in plan)
        confirm(f"Derive {derived} again from {words.plural(head, 'event')}?", yes)
        if period:
            _rebuild_part(store, period, names, as_json)
            return
        with cluster(scheduler) if scheduler else nullcontext() as executor, _reporting(as_json) as progress:
            result = store.service.rebuild(
                names or None,
                workers=workers or (1 if head < SHORT else min(os.cpu_count() or 1, MOST_WORKERS)),
                executor=executor,
                batch_size=batch_size,
                set_aside=set_aside,
                archive=archive,
                progress=progress,
            ).unwrap()
    print_answer({"result": result}, [Line(_of_all(result))], as_json, indent=False)


def _rebuild_part(store: OpenStore, period: TimePeriod, names: Sequence[str], as_json: bool) -> None:
    """Derive only the hours of a period again, and the days they lie in."""
    with Bar("rebuilding"):
        part = store.service.run_aggregation(period, names or None).unwrap()
    print_answer({"result": part}, [Line(_of_period(part))], as_json, indent=False)


def _planned(status: Sequence[ProjectionStatus], names: Sequence[str]) -> list[ProjectionStatus]:
    all_names = [projection.name for projection in status]
    for name in names:
        if name not in all_names:
            raise click.BadParameter(f"{name!r} is none of {', '.join(all_names)}.", param_hint="NAME")
    return [projection for projection in status if not names or projection.name in names]


def _plan(plan: Sequence[ProjectionStatus], head: int, period: TimePeriod | None) -> Iterator[Block]:
    yield Grid("", _PLAN, plan)
    events = f"the events of {period}" if period else words.plural(head, "event")
    yield Line(f"would be derived again from {events}; nothing was done", "dim")


@contextmanager
def _reporting(as_json: bool) -> Iterator[Progress]:
    """Tell how far it is: on a terminal as a bar, for machines as lines of JSON."""
    if as_json:
        yield _lines()
        return
    with Bar("rebuilding") as bar:
        yield lambda _, done, total: bar.at(done, total, more=f"{_memory_mb():,.0f} MB")


def _lines() -> Progress:
    """Return what tells progress as lines of JSON, one a second at the most."""
    began = printed = time.monotonic()

    def report(_activity: str, done: int, total: int) -> None:
        nonlocal printed
        now = time.monotonic()
        if now - printed < TELL_SECONDS and done < total:
            return
        printed = now
        rate = done / max(now - began, 1e-9)
        progress = {
            "events": done,
            "of": total,
            "events_per_second": round(rate),
            "seconds_left": round((total - done) / rate, 1) if rate else None,
            "memory_mb": round(_memory_mb(), 1),
        }
        click.echo(to_json({"progress": progress}, indent=False))

    return report


def _memory_mb() -> float:
    """Return the most memory that this process has had."""
    if resource is None:
        return 0.0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def _of_all(result: RebuildResult) -> str:
    text = (
        f"rebuilt {', '.join(result.projections)} from {words.plural(result.events, 'event')}, up to position "
        f"{result.position:,}, in {result.seconds:.1f} s ({result.events_per_second:,} events/s): "
        f"{words.plural(result.rows, 'row')}"
    )
    text += f", with what was sealed before {result.sealed_until:%Y-%m-%d}" if result.sealed_until else ""
    return text + (f"; {words.plural(result.unreadable, 'value')} set aside" if result.unreadable else "")


def _of_period(result: AggregationResult) -> str:
    return (
        f"rebuilt {words.plural(result.rows, 'row')} of {', '.join(result.projections)} from "
        f"{words.plural(result.events, 'event')} of {result.period}, up to position {result.position:,}, "
        f"in {result.seconds:.1f} s"
    )

"""projections verify: whether read models are what the log says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.forms import form_options
from analytics_es.cli.options import store_options, tz_option
from analytics_es.cli.periods import NOTHING, part_options
from analytics_es.cli.store import Place, existing
from analytics_es.presentation import Block, Column, Columns, Grid, Line, Number, words
from analytics_es.presentation.asked import Asked
from analytics_es.presentation.tables.projections import ledger
from analytics_es.types import (
    ColumnDifference,
    Divergence,
    ProjectionVerification,
    UnreadableDivergence,
    Verification,
)
from analytics_es.types.sentences import sentence

LONGEST = 24  # characters of a stored text
LISTED = 20  # positions


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--sample", type=click.IntRange(min=1), metavar="DAYS", help="Only so many days, drawn at random.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Draw the days of the run that printed this.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=20, show_default=True, help="Rows to list of each projection."
)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that fold.")
@part_options
@tz_option
@store_options
@form_options
def verify(
    db: Place,
    names: Sequence[str],
    asked: Asked,
    sample: int | None,
    seed: int | None,
    limit: int,
    workers: int,
    as_json: bool,
) -> None:
    """Fold the log again and compare with the live read models, while they serve.

    Each is compared at the position it has reached, row for row. Says that they are identical, or which buckets and
    keys differ, by how much, and which events are involved. Ends with 1 if anything differs. What was found, and when,
    is noted beside the read models: `projections status` and the page of projections tell it.

    \b
    Examples:
      analytics-es projections verify
      analytics-es projections verify usage cost --from 2026-11-01 --to 2026-11-08
      analytics-es projections verify --this-month
      analytics-es projections verify --sample 3 --json
    """
    if sample and asked != NOTHING:
        raise click.UsageError("--sample draws days of the whole log: leave out the period.")
    if seed is not None and not sample:
        raise click.UsageError("--seed goes with --sample.")
    unit = "parts" if sample or asked != NOTHING else "events"
    with existing(db) as store, Bar("verifying", unit=unit) as bar:
        period = asked.part(store.reads)
        answer = store.service.verify(
            names or None, period, sample=sample, seed=seed, limit=limit, workers=workers, progress=bar.report
        ).unwrap()
    print_answer(answer, _verification(answer), as_json)
    if not answer.identical:
        click.get_current_context().exit(1)


# ── in words ────────────────────────────────────────────────────────────────────────────────────────────────────

_PROJECTIONS: Columns[ProjectionVerification] = [
    Column("projection", lambda verified: verified.projection),
    Number("position", lambda verified: words.count(verified.position)),
    Number("rows", lambda verified: words.count(verified.rows)),
    Column("verdict", lambda verified: _verdict(verified)),
]
_ROWS: Columns[Divergence] = [
    Column("bucket", lambda row: f"{row.grain} {f'{row.start:%Y-%m-%d %H:%M%z}' if row.start else words.UNKNOWN}"),
    Column("keys", lambda row: " ".join(f"{key}={value}" for key, value in row.keys.items() if value)),
    Column("kind", lambda row: row.kind),
    Column("differs", lambda row: "; ".join(map(_difference, row.differences)) if row.kind == "changed" else ""),
    Number("events", lambda row: words.count(row.events)),
    Column("positions", lambda row: _positions(row)),
]
_UNREADABLE: Columns[UnreadableDivergence] = [
    Number("position", lambda unreadable: words.count(unreadable.position)),
    Column("field", lambda unreadable: unreadable.field),
    Column("kind", lambda unreadable: unreadable.kind),
]


def _verification(answer: Verification) -> Iterator[Block]:
    yield from (Line(_summary(answer)), Line(), Grid("", _PROJECTIONS, answer.projections))
    yield from _damage(answer)
    for verified in answer.projections:
        if verified.divergences:
            remark = f"… and {verified.omitted:,} more: --limit lists more" if verified.omitted else ""
            yield Grid(verified.projection, _ROWS, verified.divergences, remark)
        if verified.unreadable:
            yield Grid(f"Unreadable values of {verified.projection}", _UNREADABLE, verified.unreadable)
    wrong = [verified.ledger for verified in answer.projections if not verified.ledger.identical]
    yield from ledger(wrong)


def _damage(answer: Verification) -> Iterator[Block]:
    if answer.damaged:
        more = " …" if len(answer.damaged) > LISTED else ""
        positions = ", ".join(map(str, answer.damaged[:LISTED])) + more
        yield Line()
        yield Line(
            f"not what was recorded, by their checksums: {words.plural(len(answer.damaged), 'event')}, at {positions}"
        )
    if answer.unsummed:
        text = sentence(
            "up to position {unsummed:,} events have no checksum: a version before recorded them; "
            "`analytics-es checksums` writes them",
            unsummed=answer.unsummed,
        )
        yield Line(text, "dim")


def _summary(answer: Verification) -> str:
    if answer.period:
        scope = f"from {answer.period.start.isoformat(sep=' ')} to {answer.period.end.isoformat(sep=' ')}, "
    elif answer.sampled is not None:
        scope = f"{', '.join(f'{day:%Y-%m-%d}' for day in answer.sampled) or 'no day'} (--seed {answer.seed}), "
    else:
        scope = ""
    sealed = f"; before {answer.sealed_until:%Y-%m-%d}, what was sealed" if answer.sealed_until else ""
    return f"verified {scope}{words.plural(answer.events, 'event')} folded again in {answer.seconds:.1f} s{sealed}"


def _verdict(verified: ProjectionVerification) -> str:
    if verified.identical:
        return "identical"
    differ = len(verified.divergences) + len(verified.unreadable) + verified.omitted
    return f"{words.plural(differ, 'entry')} differ" if differ != 1 else "1 entry differs"


def _difference(column: ColumnDifference) -> str:
    live, expected = (
        words.UNKNOWN if cell is None else f"{cell!s:.{LONGEST}}" for cell in (column.live, column.expected)
    )
    by = "" if column.by is None else f" ({column.by:+})"
    return f"{column.column} {live}, should be {expected}{by}"


def _positions(row: Divergence) -> str:
    positions = ", ".join(map(str, row.positions)) + (" …" if row.events > len(row.positions) else "")
    return positions or words.UNKNOWN

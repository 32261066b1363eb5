"""import: files into a store, in batches; what the door or the reader refuses is kept apart, with its row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import click
from attrs import define, field

from analytics_es.cli.display import Bar, Column, Columns, Grid, Line, Number, Styled, print_answer, words
from analytics_es.cli.failures import Failed
from analytics_es.cli.options import PATH, new_store_options, source_name, strict_fields_option, strict_ids_option
from analytics_es.cli.rejects import Rejects, RowKept, rejects
from analytics_es.cli.store import OpenStore, Place, opened
from analytics_es.cli.tables.unread import left_out_fields, unread_fields
from analytics_es.errors import AnalyticsError, BadRow, OtherContent
from analytics_es.ingest import Importer
from analytics_es.ingest.chunks import chunks
from analytics_es.ingest.files import OTLP, ImportedRow, read_mapping, rows
from analytics_es.types import BatchReceipt, Duplicate, LeftOutField, Refusal, UnreadField

BATCH = 1000
MOST_IGNORED, MOST_SHOWN = 1000, 8  # names that are counted, and shown: a file may hold any number
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=FILE, metavar="FILE…")
@click.option("--mapping", type=FILE, metavar="M.toml", help="How rows become events; CloudEvents need none.")
@click.option(
    "--rows",
    "rows_path",
    metavar="PATH",
    help="Where the rows of a JSON document are, such as data.results; a list that is the document needs none.",
)
@click.option("--format", type=click.Choice([OTLP]), help="Files are traces and logs of OpenTelemetry in OTLP/JSON.")
@click.option(
    "--source", type=source_name, metavar="NAME", help="Who tells what is in the files, where rows do not say."
)
@click.option(
    "--rejects", "rejects_to", type=PATH, metavar="FILE", help="Write rows that are refused or differ to a new file."
)
@click.option(
    "--strict", is_flag=True, help="End with exit code 1 if any row is refused or differs; the others are imported."
)
@strict_ids_option
@strict_fields_option
@click.option(
    "--with-prices",
    is_flag=True,
    help="Files are exports: publish the prices that the other store published here, too.",
)
@new_store_options
def import_(
    files: Sequence[Path],
    mapping: Path | None,
    rows_path: str | None,
    format: str | None,
    source: str | None,
    rejects_to: Path | None,
    strict: bool,
    strict_ids: list[str] | None,
    strict_fields: bool | None,
    with_prices: bool,
    db: Place,
    as_json: bool,
) -> None:
    """Import files of events; a file again changes nothing.

    Files are CloudEvents as JSON Lines, or, by a mapping, CSV, JSON Lines or Parquet, or with --format otlp traces.
    Rows that are refused, or that tell something else than what is recorded of the same event, are counted, shown and,
    with --rejects, kept; all others are imported.
    At the end it lists what no projection reads, such as prompt_tokens, with what it may have meant; with
    --strict-fields such rows are refused. So it does with what the policy of privacy has left out more of since, with
    the rule that keeps it, and how often in the store.
    Of the export of another store, what that store had to say itself (`analytics.…`: its prices, tags, policies) is
    skipped, and counted by type. With --with-prices, prices that it published are published here, too, as they come and
    after those of here; where both are about a model at a time, those that came last count.

    \b
    Examples:
      analytics-es import events.jsonl
      analytics-es import usage-*.csv --mapping usage.toml --rejects refused.jsonl --strict
      analytics-es import run-2/results.csv --mapping results.toml --source run-2
      analytics-es import traces.jsonl.gz --format otlp
      analytics-es import other-store.jsonl --with-prices
      analytics-es import events.jsonl --strict-fields --rejects refused.jsonl
    """
    if mapping and format:
        raise click.UsageError("traces need no --mapping: leave it or --format out")
    if source and format:
        raise click.UsageError("traces say who tells them: leave --source or --format out")
    event_mapping = read_mapping(mapping) if mapping else None
    with Bar("looking into the files", ""):
        sources = [
            (
                path,
                rows(path, event_mapping, format=format, source=source, rows_path=rows_path, exported=with_prices),
            )
            for path in files
        ]
    tallies: list[Tally] = []
    importer: Importer | None = None
    left_out: list[LeftOutField] = []
    with rejects(rejects_to) as collected, opened(db, strict_ids=strict_ids, strict=strict_fields) as store:
        try:
            _note_zone(store, db.tz)
            importer = store.service.importing(with_prices=with_prices)
            before = _left_out(store)
            for path, events in sources:
                tallies.append(Tally(file=str(path)))
                import_file(importer, path, events, collected, tallies[-1])
            store.catch_up()
            left_out = [entry for entry in _left_out(store) if entry not in before]
        finally:
            collected.show(rejects_to)
            _show_tallies(tallies, collected, importer.unread() if importer else [], left_out, as_json)
    if strict and (problem := collected.problem):
        raise Failed(f"error: {problem}; everything else is imported")


def _note_zone(store: OpenStore, tz: str | None) -> None:
    if tz and tz != store.keeps:
        click.echo(f"note: this store keeps its hours and days in {store.keeps}; --tz is for a new one", err=True)


_COLUMNS: Columns[Tally] = [
    Column("file", lambda tally: tally.file),
    Number("recorded", lambda tally: words.count(tally.recorded)),
    Number("duplicates", lambda tally: words.count(tally.duplicates)),
    Number("of them differing", lambda tally: words.count(tally.differing)),
    Number("rows refused", lambda tally: Styled(words.count(tally.refused), "yellow" if tally.refused else "")),
]


def _left_out(store: OpenStore) -> list[LeftOutField]:
    """Return what is counted by now; nothing where read models cannot be asked: importing needs the log alone."""
    counted = store.service.left_out_fields(limit=1000)
    return list(counted.unwrap()) if counted.ok else []


def _show_tallies(
    tallies: Sequence[Tally],
    collected: Rejects,
    unread: Sequence[UnreadField],
    left_out: Sequence[LeftOutField],
    as_json: bool,
) -> None:
    total = Tally(file="total")
    for tally in tallies:
        total.add(tally)
        total.refused += tally.refused
        total.ignore(tally.ignored)
    answer = {"files": tallies, "total": total, "refusals": collected.first, "unread_fields": unread}
    answer["left_out_fields"] = left_out
    grid = Grid("", _COLUMNS, [*tallies, total] if len(tallies) > 1 else tallies)
    print_answer(
        answer, [grid, *map(Line, _remarks(total)), *unread_fields(unread), *left_out_fields(left_out)], as_json
    )


def _remarks(total: Tally) -> Iterator[str]:
    """Say what became of what another store had to say itself, and what is to come still."""
    if total.prices:
        yield f"of these, {words.plural(total.prices, 'price')} of another store, published here now"
    if total.skipped:
        types = ", ".join(f"{count:,} {words.safe(own)}" for own, count in sorted(total.skipped.items()))
        yield f"skipped, as it is what the other store had to say itself: {types}"
    if total.ignored:
        names = sorted(total.ignored.items(), key=lambda counted: (-counted[1], counted[0]))
        shown = ", ".join(f"{count:,} {words.safe(name)}" for name, count in names[:MOST_SHOWN])
        others = sum(count for _, count in names[MOST_SHOWN:])
        yield f"ignored, as they tell of no call, tool or agent: {shown}" + (f", {others:,} others" if others else "")
    if total.waiting:
        yield f"{words.plural(total.waiting, 'correction')} came before the call: counted from when that is there"


# ── the rows of a file ──────────────────────────────────────────────────────────────────────────────────────────


@define(kw_only=True)
class Tally:
    """What became of the rows of one file: `refused` are rows, each once; all others are events."""

    file: str
    recorded: int = 0
    duplicates: int = 0
    differing: int = 0
    refused: int = 0
    waiting: int = 0
    prices: int = 0
    skipped: dict[str, int] = field(factory=dict)
    ignored: dict[str, int] = field(factory=dict)

    def add(self, counts: Tally | BatchReceipt) -> None:
        """Add what became of other events; rows that are refused are counted where they are told."""
        self.recorded += counts.recorded
        self.duplicates += counts.duplicates
        self.differing += counts.differing
        self.waiting += counts.waiting
        self.prices += counts.prices
        for own, count in counts.skipped.items():
            self.skipped[own] = self.skipped.get(own, 0) + count

    def ignore(self, ignored: Mapping[str, int]) -> None:
        """Add rows that gave no event because nothing reads them, by name."""
        for name, count in ignored.items():
            name = name if name in self.ignored or len(self.ignored) < MOST_IGNORED else "(others)"
            self.ignored[name] = self.ignored.get(name, 0) + count


def import_file(importer: Importer, path: Path, rows: Iterable[ImportedRow], collected: Rejects, tally: Tally) -> None:
    """Record the rows of a file, in constant memory; `tally` is right whenever this ends."""
    size = None if path.name.lower().endswith((".gz", ".parquet")) else path.stat().st_size
    done = taken = 0
    with Bar(f"importing {words.safe(path.name)}") as bar:
        for chunk in chunks(rows, BATCH):
            _record(importer, chunk, collected, tally)
            done, taken = done + len(chunk), taken + _bytes(chunk)
            bar.at(min(taken, size) if size else done, size, counted=done)
    collected.flush()


def _record(importer: Importer, chunk: list[ImportedRow], collected: Rejects, tally: Tally) -> None:
    problems: dict[int, tuple[str, str, int | None]] = {
        index: (row.error.code, _reason(row.error), None) for index, row in enumerate(chunk) if row.error
    }
    tally.ignore(Counter(row.ignored for row in chunk if row.ignored))
    good = [index for index, row in enumerate(chunk) if row.event is not None]
    duplicates = set[int]()

    def refuse(refusal: Refusal) -> None:
        problems[good[refusal.index]] = (refusal.code, refusal.message, None)

    def compare(duplicate: Duplicate) -> None:
        duplicates.add(good[duplicate.index])
        if duplicate.differs:
            problem = OtherContent(position=duplicate.position)
            problems[good[duplicate.index]] = (problem.code, str(problem), duplicate.position)

    receipt = importer.record([chunk[index] for index in good], on_refused=refuse, on_duplicate=compare)
    collected.equal += _equal(chunk, duplicates, set(problems), after_new=tally.recorded > 0)
    tally.add(receipt)
    for index, (code, message, position) in sorted(problems.items()):
        row = chunk[index]
        raw = json.dumps(row.event, default=str) if row.raw is None else row.raw
        kept = RowKept(file=tally.file, row=row.row, code=code, message=message, position=position)
        tally.refused += collected.add(kept, raw) and position is None


def _equal(chunk: list[ImportedRow], duplicates: set[int], problems: set[int], *, after_new: bool) -> int:
    """Count rows without an id that were there before and come after new ones; of a longer file they come first."""
    equal = 0
    for index, row in enumerate(chunk):
        if index in duplicates:
            equal += after_new and row.formerly is not None and index not in problems
        else:
            after_new |= index not in problems
    return equal


def _reason(error: AnalyticsError) -> str:
    """Return why a row was refused; which row it was is told beside it."""
    return str(error.details["problem"] if isinstance(error, BadRow) else error)


def _bytes(chunk: list[ImportedRow]) -> int:
    """Return about how much of a file rows are; several events of one row are one row."""
    return sum(len(raw) + 1 for raw in {row.row: row.raw for row in chunk}.values() if raw)

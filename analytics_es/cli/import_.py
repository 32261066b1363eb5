"""import: files into a store, in batches; what the door or the reader refuses is kept apart, with its row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from attrs import frozen

from analytics_es.cli import import_formats
from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.failures import Failed
from analytics_es.cli.import_findings import Findings
from analytics_es.cli.import_formats import FormatName
from analytics_es.cli.import_report import Report, Tally
from analytics_es.cli.options import PATH, new_store_options, source_name, strict_fields_option, strict_ids_option
from analytics_es.cli.rejects import Rejects, RowKept, rejects
from analytics_es.cli.store import OpenStore, Place, opened
from analytics_es.errors import AnalyticsError, BadMapping, BadRow, CannotRead, OtherContent, UnknownFormat
from analytics_es.ingest import Importer
from analytics_es.ingest.chunks import chunks
from analytics_es.ingest.files import OTLP, ImportedRow, Rows, read_mapping, rows
from analytics_es.presentation import words
from analytics_es.types import Duplicate, LeftOutField, Refusal

BATCH = 1000
OF_ONE_FILE = (BadMapping, CannotRead, UnknownFormat)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("files", nargs=-1, type=FILE, metavar="FILE…")
@click.option(
    "--mapping", type=FILE, metavar="M.toml", help="How rows become events; CloudEvents and known formats need none."
)
@click.option(
    "--rows",
    "rows_path",
    metavar="PATH",
    help="Where the rows of a JSON document are, such as data.results; a list that is the document needs none.",
)
@click.option(
    "--format",
    type=FormatName(),
    metavar="NAME",
    help="What the files are, such as litellm or otlp; one that is recognised needs no name.",
)
@click.option(
    "--list-formats", is_flag=True, help="List the formats that need no mapping, and where such files are from."
)
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
    list_formats: bool,
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

    Files are CloudEvents in JSON, or of a format that is recognised or named by --format (--list-formats lists them),
    or, by a mapping, CSV, JSON or Parquet.
    JSON may be a row a line, a list, or an object with a list in it, to which --rows is the path.

    Rows that are refused, or that tell something else than what is recorded of the same event, are counted, shown and,
    with --rejects, kept; all others are imported. A file that cannot be read, or that the mapping does not fit, is
    named; the others are imported, and the exit code is 1.

    At the end it says what became of each file, why rows are refused, which keys of the mapping files lack, and of
    which models calls have no price. It lists what no projection reads, such as prompt_tokens, with what it may have
    meant; with --strict-fields such rows are refused. So it does with what the policy of privacy has left out more of
    since, with the rule that keeps it, and how often in the store.

    Of the export of another store, what that store had to say itself (`analytics.…`: its prices, tags, policies) is
    skipped, and counted by type. With --with-prices, prices that it published are published here, too, as they come and
    after those of here; where both are about a model at a time, those that came last count.

    \b
    Examples:
      analytics-es import events.jsonl
      analytics-es import usage-*.csv --mapping usage.toml --rejects refused.jsonl --strict
      analytics-es import page.json --mapping usage.toml --rows data.results
      analytics-es import run-2/results.csv --mapping results.toml --source run-2
      analytics-es import spend.json
      analytics-es import spend.json --format litellm
      analytics-es import --list-formats
      analytics-es import traces.jsonl.gz --format otlp
      analytics-es import other-store.jsonl --with-prices
      analytics-es import events.jsonl --strict-fields --rejects refused.jsonl
    """
    if list_formats:
        import_formats.list_formats(as_json)
        return
    if not files:
        raise click.UsageError("Missing argument 'FILE…'.")
    if mapping and format:
        raise click.UsageError("a format needs no --mapping: leave it or --format out")
    if source and format == OTLP:
        raise click.UsageError("traces and logs say who tells them: leave --source or --format out")
    event_mapping = read_mapping(mapping) if mapping else None
    tallies, sources = [], []
    with Bar("looking into the files", ""):
        for path in files:
            tallies.append(Tally(file=str(path)))
            try:
                read = rows(
                    path, event_mapping, format=format, source=source, rows_path=rows_path, exported=with_prices
                )
                sources.append((path, read, tallies[-1]))
            except OF_ONE_FILE as error:
                if len(files) == 1:
                    raise
                tallies[-1].problem = str(error)
    if not sources:
        _end(tallies, None)
    left_out: list[LeftOutField] = []
    importer: Importer | None = None
    with rejects(rejects_to) as collected, opened(db, strict_ids=strict_ids, strict=strict_fields) as store:
        findings = Findings(lambda: store.service.price_book().unwrap())
        try:
            _note_zone(store, db.tz)
            importer = store.service.importing(with_prices=with_prices)
            before = _left_out(store)
            for path, read, tally in sources:
                _import_one(_Files(importer, collected, findings), path, read, tally, alone=len(files) == 1)
            store.catch_up()
            left_out = [entry for entry in _left_out(store) if entry not in before]
        finally:
            collected.show(rejects_to)
            unread = importer.unread() if importer else []
            report = Report(files=tallies, findings=findings, unread=unread, left_out=left_out)
            print_answer(report.answer(collected.first), [*report.blocks()], as_json)
    _end(tallies, collected.problem if strict else None)


def _import_one(into: _Files, path: Path, read: Rows, tally: Tally, *, alone: bool) -> None:
    """Import one file; of several, one that cannot be read on does not stop the others."""
    tally.missing, tally.no_object = dict(read.notes.missing), read.notes.no_object
    tally.read_as, tally.rows_are = import_formats.read_as(read.notes), import_formats.counts_beside(read.notes)
    try:
        import_file(into, path, read, tally)
        tally.finish(read.notes)
    except CannotRead as error:
        if alone:
            raise
        tally.problem = str(error)


def _end(tallies: Sequence[Tally], problem: str | None) -> None:
    """Say which files are not in, or not to their end, and fail where there are any, or for the `problem` of others."""
    bad = [tally for tally in tallies if tally.problem]
    for tally in bad:
        click.echo(words.safe(f"not read{' on' if tally.rows else ''}: {tally.file}: {tally.problem}"), err=True)
    files = f"{len(bad)} of {words.plural(len(tallies), 'file')} could not be read" if bad else ""
    if said := " and ".join(filter(None, (files, problem))):
        raise Failed(f"error: {said}; everything else is imported" if len(bad) < len(tallies) else f"error: {said}")


def _note_zone(store: OpenStore, tz: str | None) -> None:
    if tz and tz != store.keeps:
        click.echo(f"note: this store keeps its hours and days in {store.keeps}; --tz is for a new one", err=True)


def _left_out(store: OpenStore) -> list[LeftOutField]:
    """Return what is counted by now; nothing where read models cannot be asked: importing needs the log alone."""
    counted = store.service.left_out_fields(limit=1000)
    return list(counted.unwrap()) if counted.ok else []


# ── the rows of a file ──────────────────────────────────────────────────────────────────────────────────────────


@frozen
class _Files:
    """What rows of files are recorded by, and what is said of them."""

    importer: Importer
    rejects: Rejects
    findings: Findings


def import_file(into: _Files, path: Path, rows: Iterable[ImportedRow], tally: Tally) -> None:
    """Record the rows of a file, in constant memory; `tally` is right whenever this ends."""
    size = None if path.name.lower().endswith((".gz", ".parquet")) else path.stat().st_size
    done = taken = 0
    with Bar(f"importing {words.safe(path.name)}") as bar:
        for chunk in chunks(rows, BATCH):
            _record(into, chunk, tally)
            done, taken = done + len(chunk), taken + _bytes(chunk)
            bar.at(min(taken, size) if size else done, size, counted=done)
    into.rejects.flush()


def _record(into: _Files, chunk: list[ImportedRow], tally: Tally) -> None:
    problems: dict[int, tuple[str, str, int | None]] = {
        index: (row.error.code, _reason(row.error), None) for index, row in enumerate(chunk) if row.error
    }
    good = [index for index, row in enumerate(chunk) if row.event is not None]
    duplicates = set[int]()

    def refuse(refusal: Refusal) -> None:
        problems[good[refusal.index]] = (refusal.code, refusal.message, None)

    def compare(duplicate: Duplicate) -> None:
        duplicates.add(good[duplicate.index])
        if duplicate.differs:
            problem = OtherContent(position=duplicate.position)
            problems[good[duplicate.index]] = (problem.code, str(problem), duplicate.position)

    events = [chunk[index] for index in good]
    receipt = into.importer.record(events, on_refused=refuse, on_duplicate=compare)
    into.rejects.equal += _equal(chunk, duplicates, set(problems), after_new=tally.recorded > 0)
    tally.see(chunk)
    tally.add(receipt)
    for index in good:
        if index not in problems and index not in duplicates and (event := chunk[index].event):
            into.findings.see(event)
    for index, (code, message, position) in sorted(problems.items()):
        row = chunk[index]
        raw = json.dumps(row.event, default=str) if row.raw is None else row.raw
        message = f"element {row.element}: {message}" if row.element else message
        kept = RowKept(file=tally.file, row=row.row, code=code, message=message, position=position)
        if into.rejects.add(kept, raw) and position is None:
            tally.refused += 1
            into.findings.refuse(code, message)


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

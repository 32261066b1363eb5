"""agents import: the events of other ledgers, merged by identity; what was recorded first stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import orjson
from attrs import Factory, define, field, frozen

from analytics_es.cli.agents.reading import ledger, ledger_option, ledger_zone_option
from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.failures import Failed
from analytics_es.cli.options import json_option
from analytics_es.cli.store import Place
from analytics_es.errors import CannotRead, UnknownFormat
from analytics_es.ingest import Importer
from analytics_es.ingest.chunks import chunks
from analytics_es.ingest.files import ImportedRow, rows
from analytics_es.ingest.files.exported import exported_rows
from analytics_es.ingest.sessions.figures import differing
from analytics_es.ingest.strictness import agents
from analytics_es.log import EventLog
from analytics_es.presentation import Block, Column, Columns, Grid, Line, Number, Styled, words
from analytics_es.types import Duplicate, Refusal

BATCH, SHOWN = 1000, 20
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@frozen(kw_only=True)
class Difference:
    """An event that is here already, with other figures than another ledger has of it; those of here stay.

    position: where in the log it is; agent, id: which; fields: by name, what stands here and there.
    partial_here: whether it is partial here, and whole there.
    """

    position: int
    agent: str
    id: str
    fields: dict[str, list[Any]]
    partial_here: bool


@define(kw_only=True)
class MergeTally:
    """What became of one file: events that are new, were there, differ in their figures, or are refused.

    others: events of others than agents, by source, which are left out; reasons: why some are refused.
    problem: why the file, or its end, could not be read.
    """

    file: str
    new: int = 0
    there: int = 0
    differing: int = 0
    refused: int = 0
    waiting: int = 0
    others: Counter[str] = field(factory=Counter)
    reasons: Counter[str] = field(factory=Counter)
    problem: str = ""


@frozen(kw_only=True)
class MergeReport:
    """What became of files of other ledgers."""

    files: list[MergeTally] = Factory(list)
    differences: list[Difference] = Factory(list)


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=FILE, metavar="FILE…")
@ledger_option
@ledger_zone_option
@json_option
def import_(files: Sequence[Path], db: Place, as_json: bool) -> None:
    """Merge the calls of another ledger; again changes nothing.

    Files are those that `agents export` writes. An event is known by its agent and id: one that is here already, as it
    was read here, came in before, or comes back, adds nothing. Where its figures differ it is named, and what was
    recorded first stays, also where that is partial. What is of no agent is left out.

    \b
    Examples:
      analytics-es agents import laptop.jsonl.gz desktop.jsonl.gz
    """
    report = MergeReport()
    with ledger(db, strict_ids=list(agents())) as store:
        importer = store.service.importing(pseudonyms_stay=True)
        for path in files:
            merge = _Merge(store.service._parts.store.log, importer, MergeTally(file=str(path)), report.differences)
            report.files.append(merge.tally)
            merge.take(path)
        store.catch_up()
    print_answer(report, _blocks(report), as_json)
    if bad := [tally for tally in report.files if tally.problem or tally.refused]:
        raise Failed(f"error: {words.plural(len(bad), 'file')} not merged, or not to the end; all else is")


@define
class _Merge:
    """Records the events of a file."""

    log: EventLog
    importer: Importer
    tally: MergeTally
    differences: list[Difference]

    def take(self, path: Path) -> None:
        """Record them; what cannot be read is told in the tally."""
        try:
            read: Iterable[ImportedRow] = (
                exported_rows(path) if path.name.lower().endswith(".parquet") else rows(path, None, exported=True)
            )
            with Bar(f"merging {words.safe(path.name)}") as bar:
                for chunk in chunks(read, BATCH):
                    self._record([row for row in chunk if self._is_of_an_agent(row)])
                    bar.at(self.tally.new + self.tally.there, None, counted=self.tally.new + self.tally.there)
            self.tally.problem = getattr(getattr(read, "notes", None), "broken", "")
        except (CannotRead, UnknownFormat) as error:
            self.tally.problem = str(error)

    def _is_of_an_agent(self, row: ImportedRow) -> bool:
        if row.event is None:
            self.tally.refused += 1
            self.tally.reasons[str(row.error)] += 1
            return False
        source = str(row.event.get("source"))
        if source in agents():
            return True
        self.tally.others[source] += 1
        return False

    def _record(self, chunk: Sequence[ImportedRow]) -> None:
        def refuse(refusal: Refusal) -> None:
            self.tally.refused += 1
            self.tally.reasons[refusal.message] += 1

        def compare(duplicate: Duplicate) -> None:
            event = chunk[duplicate.index].event
            if duplicate.differs and event and (difference := self._difference(duplicate.position, event)):
                self.tally.differing += 1
                self.differences.append(difference)

        receipt = self.importer.record(chunk, on_refused=refuse, on_duplicate=compare)
        self.tally.new += receipt.recorded
        self.tally.there += receipt.duplicates
        self.tally.waiting += receipt.waiting

    def _difference(self, position: int, event: Mapping[str, Any]) -> Difference | None:
        stored = self.log.at(position)
        data = orjson.loads(stored["state"])["data"] if stored and stored["state"] else {}
        other = event["data"]
        fields = differing(data, other)
        if not fields:
            return None
        partial = [bool((said.get("attributes") or {}).get("partial")) for said in (data, other)]
        return Difference(
            position=position,
            agent=str(event["source"]),
            id=str(event["id"]),
            fields=fields,
            partial_here=partial == [True, False],
        )


# ── what is said ────────────────────────────────────────────────────────────────────────────────────────────────


def _blocks(report: MergeReport) -> Iterator[Block]:
    yield Grid("", _COLUMNS, report.files)
    for tally in report.files:
        yield from map(Line, map(words.safe, _remarks(tally)))
    if report.differences:
        yield Line()
        beyond = len(report.differences) - SHOWN
        remark = f"… and {beyond:,} more (--json lists them)" if beyond > 0 else ""
        yield Grid("Other figures there; those of here stay", _DIFFERENCES, report.differences[:SHOWN], remark)


def _remarks(tally: MergeTally) -> Iterator[str]:
    if tally.problem:
        yield f"{tally.file}: {tally.problem}"
    for source, count in sorted(tally.others.items()):
        yield f"{tally.file}: {words.plural(count, 'event')} of {source} left out: of no agent"
    for reason, count in tally.reasons.most_common(SHOWN):
        yield f"{tally.file}: {count:,} refused: {reason}"
    if tally.waiting:
        yield f"{tally.file}: {words.plural(tally.waiting, 'correction')} came before the call, and counts with it"


def _in_words(difference: Difference) -> str:
    fields = (f"{name} {here} here, {there} there" for name, (here, there) in difference.fields.items())
    return ("partial here: " if difference.partial_here else "") + "; ".join(fields)


_COLUMNS: Columns[MergeTally] = [
    Column("file", lambda tally: tally.file, folds=True),
    Number("new", lambda tally: words.count(tally.new)),
    Number("there before", lambda tally: words.count(tally.there)),
    Number("differing", lambda tally: words.count(tally.differing)),
    Number("refused", lambda tally: Styled(words.count(tally.refused), "yellow" if tally.refused else "")),
]
_DIFFERENCES: Columns[Difference] = [
    Number("position", lambda difference: words.count(difference.position)),
    Column("agent", lambda difference: difference.agent),
    Column("call", lambda difference: difference.id),
    Column("what differs", _in_words, folds=True),
]

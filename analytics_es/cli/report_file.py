"""report --html and --svg: the report in a file."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.display.picture import picture
from analytics_es.cli.hints import complete
from analytics_es.cli.names import named
from analytics_es.cli.options import Question
from analytics_es.cli.store import OpenStore, existing
from analytics_es.errors import CannotWrite, FileExists, ReportExists
from analytics_es.lifecycle.files import free, put
from analytics_es.presentation import Block, words
from analytics_es.presentation.asked import Asked, for_a_screen
from analytics_es.presentation.rewriting import rewritten
from analytics_es.types import ReportFile, TimePeriod

OUTPUT = Path("-")


def write_html(question: Question, path: Path, *, script: bool, replace: bool) -> None:
    """Write a page that needs nothing else, and say so on standard error."""
    from analytics_es.presentation.report.writing import made, written

    with existing(question.db) as store:
        if path != OUTPUT and not replace:
            with replaceable():
                free(path)  # said before anything is asked
        period, as_of = _period(question, store), question.as_of
        store.catch_up()
        with Bar("writing the report", unit="pages") as bar:
            report = made(
                store.service,
                period,
                script=script,
                as_of=None if as_of is None else store.place(as_of),
                words=dict(_words(question)),
                names=question.names,
                progress=bar.report,
            )
        if path == OUTPUT:
            _put_out(report.file)
            about = report.about
        else:
            about = written(store.service, path, report, replace=replace)
        store.catch_up()  # with what the log was told of it: or it would be behind from now on
    if question.as_json and path != OUTPUT:
        print_answer(about, [], True)
    click.echo(written_as(about), err=True)


def write_svg(question: Question, path: Path, answer: object, blocks: Iterable[Block], *, replace: bool) -> None:
    """Write what a terminal shows as a picture, and say so on standard error."""
    if question.names:
        _, blocks = named(question.db, answer, blocks, False)
    svg = picture("analytics-es report", (rewritten(block, complete) for block in blocks)).encode()
    if path == OUTPUT:
        _put_out(svg)
    else:
        with existing(question.db) as store, replaceable():
            put(path, svg, store.service.store.log, replace=replace)
        click.echo(f"wrote {words.safe(str(path))}: {words.size(len(svg))}", err=True)


def _put_out(file: bytes) -> None:
    """Write to standard output; raises CannotWrite where there is none, which nobody else would say."""
    if sys.stdout is None:
        raise CannotWrite(path="standard output", problem="it is closed")
    click.echo(file, nl=False)


@contextmanager
def replaceable() -> Iterator[None]:
    """Say of a file that is there already what replaces it."""
    try:
        yield
    except FileExists as error:
        raise ReportExists(**error.details) from None


def _period(question: Question, store: OpenStore) -> TimePeriod:
    """Return the period, which ends at the time of what is asked as of, with a series that a page has room for."""
    now = None
    if question.as_of is not None:
        with store.service.as_of(store.place(question.as_of)) as then:
            now = then.recorded_at
    period = question.period(store, now)
    return period if question.granularity else for_a_screen(period)


def _words(question: Question) -> Iterator[tuple[str, list[str]]]:
    """Return what was asked, in the words that an address of a page has."""
    asked: Asked = question.asked
    for word, text in asked.named.items():
        yield word, [text if text != word else ""]
    for word, said in (("from", asked.start), ("to", asked.end), ("since", asked.since), ("until", asked.until)):
        if said:
            yield word, [said.isoformat()]
    rest = {"last": asked.length, "granularity": question.granularity, "tz": question.db.tz}
    yield from ((word, [str(said)]) for word, said in rest.items() if said)


def written_as(about: ReportFile) -> str:
    """Say what was written, and how it is checked."""
    where = "the report" if about.path is None else words.safe(str(about.path))
    check = "" if about.path is None else complete(f"; `analytics-es check {shlex.quote(str(about.path))}`")
    told = "" if about.announced else "; the log could not be told of it: this version alone can check it"
    size = words.size(about.bytes)
    return f"wrote {where}: as of position {about.position:,}, {size}, sha256 {about.sha256}{told}{check}"

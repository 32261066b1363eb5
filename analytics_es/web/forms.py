"""The forms of a page: HTML to read, and its answers as JSON, CSV and Arrow for programs."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen
from starlette.responses import Response

from analytics_es.errors import BadWord
from analytics_es.events.codec import to_json
from analytics_es.presentation import names
from analytics_es.presentation.html import Links, rendered, static
from analytics_es.presentation.names import Vault
from analytics_es.presentation.parts import Page
from analytics_es.presentation.question import Question
from analytics_es.presentation.sheets import Sheets, as_csv
from analytics_es.types import TimePeriod
from analytics_es.web.answers import JSON
from analytics_es.web.headers import HTML
from analytics_es.web.refusals import status_of

CSV, ARROW = "text/csv; charset=utf-8", "application/vnd.apache.arrow.stream"
SMALL = 1024  # bytes that are not worth packing


@frozen(kw_only=True)
class MadePage:
    """A page that was asked for: its question, what it is about, and who tells names where they are asked for."""

    page: Page
    question: Question
    period: TimePeriod
    root: str
    vault: Vault | None

    def answer(self) -> Any:
        """Return the answer that is asked for, the main one where none is; raises BadWord."""
        if self.page.failure:
            raise self.page.failure
        answers = self.page.answers
        name = self.question.text("answer") or next(iter(answers), "")
        if name not in answers:
            raise BadWord(problem=f"{name[:80]!r} is no answer of this page: {', '.join(answers) or 'it has none'}.")
        return answers[name]

    def sheets(self) -> Sheets:
        """Return the tables of the answer."""
        return names.in_sheets(self.answer(), self.vault) if self.vault else Sheets.of(self.answer())

    def file_name(self, suffix: str) -> str:
        """Return what a browser may call the file: of what, and of which days."""
        parts = [self.page.name, self.question.text("answer"), self.question.text("table")]
        days = [f"{moment:%Y-%m-%d}" for moment in (self.period.start, self.period.end)]
        of_what = [re.sub(r"[^A-Za-z0-9.-]+", "-", part) for part in parts if part]
        return "_".join(dict.fromkeys([*of_what, *days])) + suffix


def as_html(made: MadePage) -> Response:
    """Return the page itself."""
    _refuse(made.question, "answer", "table", form=".json, .csv and .arrow")
    page = names.on_page(made.page, made.vault) if made.vault else made.page
    style, scripts = static.address("page.css"), static.scripts(page)
    links = Links(page=page.name, question=made.question, root=made.root, style=style, scripts=scripts)
    status = status_of(page.failure) if page.failure else 200
    return Response(rendered(page, links), status, media_type=HTML)


def as_json(made: MadePage) -> Response:
    """Return an answer as the command prints it with --json: the same bytes."""
    _refuse(made.question, "table", form=".csv and .arrow")
    answer = made.answer()
    document = names.beside(answer, made.vault) if made.vault else answer
    return Response(to_json(document) + "\n", media_type=JSON)


def as_sheet(made: MadePage) -> Response:
    """Return a table of an answer as the command prints it with --format csv: the same bytes."""
    text = as_csv(made.sheets().chosen(made.question.text("table")))
    return Response(text, media_type=CSV, headers=_inline(made.file_name(".csv")))


def as_arrow(made: MadePage) -> Response:
    """Return a table of an answer as a stream of Arrow."""
    import pyarrow as pa

    from analytics_es.types.tables.arrow import to_arrow

    table = to_arrow(made.sheets().chosen(made.question.text("table")))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return Response(sink.getvalue().to_pybytes(), media_type=ARROW, headers=_inline(made.file_name(".arrow")))


FORMS: Mapping[str, Callable[[MadePage], Response]] = {
    "": as_html,
    ".json": as_json,
    ".csv": as_sheet,
    ".arrow": as_arrow,
}


def packed(response: Response, *, takes_gzip: bool) -> Response:
    """Return a response as gzip, where who asks takes that and it is worth it; what is in it is no secret of ours."""
    response.headers["Vary"] = "Accept-Encoding"
    body = bytes(response.body)
    if takes_gzip and len(body) > SMALL:
        response.body = gzip.compress(body, 5, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(response.body))
    return response


def _inline(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'inline; filename="{name}"'}


def _refuse(question: Question, *words: str, form: str) -> None:
    for word in words:
        if question.text(word) is not None:
            raise BadWord(problem=f"{word} goes with {form}: leave it out.")

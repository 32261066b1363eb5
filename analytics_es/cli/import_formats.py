"""The formats that import reads without a mapping: which there are, which is meant, and what a file was read as."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import click
from attrs import frozen

from analytics_es.cli.display import print_answer
from analytics_es.ingest.files import OTLP, Notes
from analytics_es.ingest.files.catalogue import CHARGES, SUMS, names, shapes
from analytics_es.presentation import Line, words


class FormatName(click.ParamType[str]):
    """The name of a format, of which the data is read only where one is named."""

    name = "format"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name; fails for one that there is not."""
        if value not in (OTLP, *names()):
            self.fail(f"{words.safe(str(value))!r} is not one of {', '.join([OTLP, *names()])}.", param, ctx)
        return str(value)


@frozen(kw_only=True)
class Format:
    """A shape of a format, as --list-formats lists it."""

    format: str
    what: str
    rows_are: str
    get: str
    since: str


def all_formats() -> list[Format]:
    """Return all shapes of all formats, by name."""
    traces = Format(
        format=OTLP,
        what="traces and logs of OpenTelemetry",
        rows_are="spans and log records",
        get="file exporters of OpenTelemetry in OTLP/JSON",
        since="OTLP 1.0",
    )
    own = (
        Format(format=shape.name, what=shape.shape, rows_are=shape.rows_are, get=shape.get, since=shape.since)
        for shape in shapes()
    )
    return sorted([traces, *own], key=lambda listed: listed.format)


def list_formats(as_json: bool) -> None:
    """Print all formats."""
    listed = all_formats()
    print_answer(listed, list(_lines(listed)), as_json)


def _lines(listed: Sequence[Format]) -> Iterator[Line]:
    """Say below the name of each format what there is of it, and where to get it: a table would need 160 columns."""
    for name, shapes_of_one in itertools.groupby(listed, lambda shape: shape.format):
        yield Line(name, style="bold")
        for shape in shapes_of_one:
            yield Line(f"  {shape.what}")
            yield Line(f"    {shape.rows_are}; since {shape.since}", style="dim")
            yield Line(f"    {shape.get}", style="dim")


def read_as(notes: Notes) -> str:
    """Return what a file was read as; "" where its mapping or its being CloudEvents says it all."""
    return f"{notes.read_as}: {notes.shape.shape}" if notes.shape else notes.read_as


def counts_beside(notes: Notes) -> str:
    """Return what the rows of a file are, where they count beside calls that are told one by one."""
    return notes.shape.rows_are if notes.shape and notes.shape.rows_are in (SUMS, CHARGES) else ""


def remarks(files: Sequence[tuple[str, str, str]]) -> Iterator[Line]:
    """Say what files were read as, by what `read_as` and `counts_beside` say of each, and what counts twice."""
    for text in dict.fromkeys(text for _, text, _ in files if text):
        of_text = [file for file, other, _ in files if other == text]
        more = f" and {len(of_text) - 1} more" if len(of_text) > 1 else ""
        yield Line(f"read as {text} ({words.safe(of_text[0])}{more})")
    for rows_are in dict.fromkeys(rows_are for _, _, rows_are in files if rows_are):
        yield Line(
            f"note: rows are {rows_are}: where the store has the same calls from elsewhere, both count; "
            "tell them apart by their source"
        )

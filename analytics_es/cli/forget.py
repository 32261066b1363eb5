"""forget: somebody, for good."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence

import click

from analytics_es.cli.display import Bar, print_answer
from analytics_es.cli.options import store_options, yes_option
from analytics_es.cli.store import Place, existing
from analytics_es.events.fields import ENTITIES
from analytics_es.presentation import Line, words
from analytics_es.types import ForgetReceipt


@click.command()
@click.argument("subject")
@click.option("--entity", type=click.Choice([*ENTITIES]), default="user", show_default=True, help="What it is.")
@click.option(
    "--field", "fields", multiple=True, metavar="PATH", help="Mask it in the texts of this field, too; may be repeated."
)
@yes_option
@store_options
def forget(subject: str, entity: str, fields: Sequence[str], yes: bool, db: Place, as_json: bool) -> None:
    """Forget SUBJECT for good, named as it was recorded.

    Nothing ties it to its pseudonym any more, and where the log names it, it is masked. Totals stay. This cannot be
    undone. The receipt says where it may still be. A SUBJECT of - is read from standard input.

    \b
    Examples:
      analytics-es forget ada@example.com
      analytics-es forget ada@example.com --field prompt --yes --json
    """
    named = sys.stdin.readline().rstrip("\n") if subject == "-" else subject
    with existing(db) as store:
        if not yes:
            click.confirm(f"Forget this {entity} in {words.safe(str(db))} for good?", abort=True, err=True)
        with Bar("looking") as bar:
            receipt = store.service.forget(named, entity=entity, fields=fields, progress=bar.report).unwrap()
        store.catch_up()
    print_answer(receipt, [Line(words.safe(line)) for line in _lines(receipt)], as_json)


def _lines(receipt: ForgetReceipt) -> Iterator[str]:
    yield f"receipt {receipt.receipt}, at position {receipt.position:,}"
    yield f"destroyed: {words.plural(receipt.vault_entries, 'entry')} of the vault"
    yield f"masked: {words.plural(receipt.events, 'event')}{_fields(receipt.fields)}"
    if receipt.events:
        yield f"  at positions {receipt.first_position:,} to {receipt.last_position:,}"
    if receipt.sealed_rows:
        yield f"masked: {words.plural(receipt.sealed_rows, 'part')} of what is sealed"
    yield f"derived again: {words.plural(len(receipt.derived), 'day')} of the read models"
    for copy in receipt.copies:
        there = "" if copy.exists else " (no longer there)"
        yield f"still holds it: {copy.kind} {copy.file}, told at position {copy.position:,}{there}"
    if receipt.mentions:
        yield f"left, because these fields do not say who somebody is: the same text{_fields(receipt.mentions)}"
        yield "  to mask it there: --field PATH"
    if receipt.other_spellings:
        yield f"left, because it is spelled otherwise: maybe the same name{_fields(receipt.other_spellings)}"
        yield "  if it is: forget it, spelled like that, too"
    for place in receipt.remains:
        yield f"may remain in: {place}"


def _fields(counts: Mapping[str, int]) -> str:
    fields = ", ".join(f"{path} ({count:,})" for path, count in counts.items())
    return f" in {fields}" if fields else ""

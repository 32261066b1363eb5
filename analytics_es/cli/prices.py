"""Prices: publish them, say first what that changes, list them, look at those of a model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from analytics_es.cli import options
from analytics_es.cli.display import print_answer
from analytics_es.cli.failures import Group
from analytics_es.cli.forms import form_options
from analytics_es.cli.store import Place, existing, opened
from analytics_es.cost.prices import genai
from analytics_es.cost.prices.book import tier_of
from analytics_es.cost.prices.files import read_prices
from analytics_es.cost.prices.listing import default_prices, published_prices
from analytics_es.events.tiers import BATCH, STANDARD
from analytics_es.presentation import Line, words
from analytics_es.presentation.sheets import Sheets
from analytics_es.presentation.tables import prices as tables
from analytics_es.presentation.tables.price_diff import price_diff

Command = TypeVar("Command", bound=Callable[..., Any])

at_option = click.option(
    "--at", type=options.moment, metavar="TIME", help="The prices in force at this time.  [default: now]"
)


def tier_option(*, help: str) -> Callable[[Command], Command]:
    """Return the option that names a tier of service."""
    return click.option("--service-tier", metavar="TIER", help=help)


@click.group(cls=Group)
def prices() -> None:
    """Publish prices, and look at those that are known.

    What nobody published has the price that the package genai-prices knows.

    \b
    Examples:
      analytics-es prices show claude-sonnet-4-5 --at 2026-01-01
      analytics-es prices diff contract.toml --last 4w
      analytics-es prices import contract.toml --dry-run
      analytics-es prices list
    """


@prices.command("import")
@click.argument("file", type=options.PATH)
@click.option("--note", metavar="TEXT", help="Why, to be kept with them.")
@click.option("--dry-run", is_flag=True, help="Say what would be published, and do nothing.")
@options.db_option
@options.tz(help="Where hours and days begin, if the store is new.  [default: UTC]")
@options.json_option
def import_(file: Path, note: str | None, dry_run: bool, db: Place, as_json: bool) -> None:
    """Publish the prices of a file, TOML or JSON: all of them, or none.

    They are events of the log: nothing published is edited, and of those about a model that hold at a time, the one
    published last counts. What was published last already is not published again.

    \b
    Examples:
      analytics-es prices import contract.toml --note "contract of 2026"
      analytics-es prices import contract.toml --dry-run
    """
    entries = read_prices(file)
    if dry_run:
        plan = Line(f"{words.plural(len(entries), 'price')} would be published; nothing was done")
        blocks = [tables.entries([(None, entry) for entry in entries]), plan]
        print_answer({"prices": [entry.to_dict() for entry in entries]}, blocks, as_json)
        return
    with opened(db) as store:
        receipt = store.service.publish_prices(entries, note=note).unwrap()
    done = "nothing is new: published last were" if receipt.duplicate else "published"
    text = f"{done} {words.plural(len(entries), 'price')}, up to position {words.count(receipt.position)}"
    print_answer({"prices": len(entries), "receipt": receipt}, [Line(text)], as_json)


@prices.command()
@click.argument("book", type=options.PATH)
@options.top_option
@options.question_options
def diff(question: options.Question, book: Path, top: int) -> None:
    """Say what publishing the prices of a file would change; nothing is published.

    Model by model and day by day: what calls cost that reported no cost, before and after, and which of the file's
    prices does it. What a call reported stays.

    \b
    Examples:
      analytics-es prices diff contract.toml
      analytics-es prices diff contract.toml --from 2026-11-01 --to 2026-12-01 --json
    """
    entries = read_prices(book)
    with question.answering() as (service, period):
        answer = service.diff_prices(entries, period).unwrap()
    question.show(answer, price_diff(answer, top))


@prices.command("list")
@at_option
@click.option("--provider", metavar="NAME", help="Those of one provider, with all that genai-prices knows of it.")
@tier_option(help="Those of one tier of service: standard, flex, priority, fast, batch …")
@options.reading_options
@form_options
def list_(at: datetime | None, provider: str | None, service_tier: str | None, db: Place, as_json: bool) -> None:
    """List published prices, by position; with --at those that hold at a time.

    \b
    Examples:
      analytics-es prices list
      analytics-es prices list --provider anthropic --at 2026-01-01 --json
      analytics-es prices list --provider openai --service-tier flex
    """
    with existing(db) as store:
        when, tier = store.read(at).astimezone(UTC) if at else None, tier_of(service_tier)
        book = store.service.price_book().unwrap()
    published = [
        (price.position, price.entry)
        for price in book.published
        if (when is None or price.entry.dated.holds(when))
        and (provider is None or price.entry.is_of(provider))
        and (service_tier is None or price.entry.is_of_tier(tier))
    ]
    models = sorted(genai.models(provider), key=lambda model: model.model) if provider and genai.installed() else []
    default = [prices for model in models if (prices := model.at(when or datetime.now(UTC), tier=tier))]
    answer = {
        "published": [{"position": position, **entry.to_dict()} for position, entry in published],
        "unread": list(book.unread),
        "default": default,
    }
    blocks = [tables.entries(published), *([tables.models(default)] if default else []), *tables.footer(book)]
    rows = {"published": published_prices(published), "default": default_prices(default)}
    print_answer(answer, blocks, as_json, sheets=Sheets.of(rows))


@prices.command()
@click.argument("model")
@click.option("--provider", metavar="NAME", help="Whose; without one, the provider whose models have such names.")
@click.option("--batch", is_flag=True, help="What calls in a batch cost.")
@tier_option(help="What calls of a tier of service cost: flex, priority, fast, batch …")
@at_option
@options.reading_options
@form_options
def show(
    model: str,
    provider: str | None,
    batch: bool,
    service_tier: str | None,
    at: datetime | None,
    db: Place,
    as_json: bool,
) -> None:
    """Show what calls of a model cost.

    \b
    Examples:
      analytics-es prices show claude-sonnet-4-5
      analytics-es prices show gpt-5 --service-tier flex
      analytics-es prices show gpt-4o --provider azure --at 2026-01-01T12:00 --json
    """
    if batch and tier_of(service_tier) not in (STANDARD, BATCH):
        raise click.UsageError("--batch is a tier of its own: leave it or --service-tier out.")
    with existing(db) as store:
        when = (store.read(at) if at else datetime.now(UTC)).astimezone(store.reads)
        unit_prices = store.service.price(provider, model, when, batch=batch, service_tier=service_tier).unwrap()
    print_answer(unit_prices, tables.unit_prices(unit_prices, when), as_json)

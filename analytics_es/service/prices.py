"""Prices and costs: what is said of them to an open store, beside recording and asking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from analytics_es.service.upkeep import Upkeep
from analytics_es.types import CostCorrection, OperationResult, Receipt
from analytics_es.types.arguments import Moment, reading_arguments

if TYPE_CHECKING:
    from analytics_es.cost import PriceBook, PriceEntry, UnitPrices


class Prices(Upkeep):
    """Publishes and tells prices, and corrects what calls reported."""

    @reading_arguments
    def publish_prices(
        self, entries: Iterable[PriceEntry | Mapping[str, Any]], *, note: str | None = None
    ) -> OperationResult[Receipt]:
        """Publish prices of models, each from a time on, past or future; all of them, or none with a BadPrice.

        An entry is a mapping such as {"provider": "acme", "model": "llama-*", "currency": "EUR", "effective_from":
        "2026-01-01T00:00:00Z", "per_mtok": {"input_tokens": "0.2", "output_tokens": "0.4"}}. Of those
        about a model that hold at a time the one published last counts; none is ever edited.
        """
        return self._shown(lambda parts: parts.prices.publish(entries, note=note))

    def price_book(self) -> OperationResult[PriceBook]:
        """Return the price book of now: every entry that was published, with its position, and the default prices."""
        return self._result(lambda parts: parts.prices.book())

    @reading_arguments
    def price(
        self,
        provider: str | None,
        model: str,
        at: Moment | None = None,
        *,
        batch: bool = False,
        service_tier: str | None = None,
    ) -> OperationResult[UnitPrices]:
        """Say what calls of a model cost at a time, by default now: each kind, its tiers, since when, from where.

        `provider` and `model` are named as events name them, and so is `service_tier`; `batch` is the tier of batches.
        The failure is UnknownModel, with names that are close, or the tiers of which a price is known.
        """
        return self._result(
            lambda parts: parts.prices.price(
                provider,
                model,
                parts.store.clock() if at is None else parts.contexts.moment("at", at),
                batch=batch,
                service_tier=service_tier,
            )
        )

    @reading_arguments
    def correct_cost(
        self, position: int, cost: Decimal | str, *, note: str, currency: str | None = None, dry_run: bool = False
    ) -> OperationResult[CostCorrection]:
        """Say that the call at a position had cost something else than it reported, and why.

        That is an event of its own, at the time of the call; the call stays as it is, and `as_of` gives the old
        figures. A call may be corrected again; the cost that is in force already changes nothing. `currency` is
        checked against the call's. `explain` lists positions. With `dry_run` nothing is recorded. The failure is
        NotCorrectable where there is no reported cost, and BeforeHorizon where the call is sealed.
        """
        from analytics_es.cost.corrections import Corrections

        return self._result(
            lambda parts: Corrections(parts.store.log, parts.store.recorder).correct(
                position, cost, note=note, currency=currency, dry_run=dry_run
            )
        )

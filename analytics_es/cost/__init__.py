"""What calls cost: prices and their history, pricing, breakdown, corrections, what-if, budgets."""

from analytics_es.cost.prices.book import PriceBook
from analytics_es.cost.prices.entries import PriceEntry
from analytics_es.cost.prices.prices import UnitPrices

__all__ = ["PriceBook", "PriceEntry", "UnitPrices"]

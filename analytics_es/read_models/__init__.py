"""The read models: rows and checkpoints of every projection, committed together; the only SQL dialect code."""

from analytics_es.read_models.priced import NotExact, NotListed, Part, Price, Priced, PriceTable, different, told
from analytics_es.read_models.registry import Live
from analytics_es.read_models.remembered import Remembered, remembering
from analytics_es.read_models.seeds import Seeds, check_exact
from analytics_es.read_models.selection import Span
from analytics_es.read_models.snapshot import Snapshot
from analytics_es.read_models.store import ReadModels
from analytics_es.read_models.tiling import Tiling, calendar_of
from analytics_es.read_models.views.changed import Whose
from analytics_es.read_models.views.joining import RowPrice, RowPrices
from analytics_es.read_models.views.priced import Mark
from analytics_es.read_models.views.shown import BudgetsToShow, Stretch, ToPrice

__all__ = [
    "BudgetsToShow",
    "Live",
    "Mark",
    "NotExact",
    "NotListed",
    "Part",
    "Price",
    "PriceTable",
    "Priced",
    "ReadModels",
    "Remembered",
    "RowPrice",
    "RowPrices",
    "Seeds",
    "Snapshot",
    "Span",
    "Stretch",
    "Tiling",
    "ToPrice",
    "Whose",
    "calendar_of",
    "check_exact",
    "different",
    "remembering",
    "told",
]

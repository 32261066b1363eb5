"""Files → events, by a mapping."""

from analytics_es.importing.events import ImportedRow
from analytics_es.importing.formats import OTLP, rows
from analytics_es.importing.mapping import Mapping, read_mapping

__all__ = ["OTLP", "ImportedRow", "Mapping", "read_mapping", "rows"]

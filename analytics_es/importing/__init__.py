"""Files → events, by a mapping."""

from analytics_es.importing.events import ImportedRow
from analytics_es.importing.formats import rows
from analytics_es.importing.mapping import Mapping, read_mapping

__all__ = ["ImportedRow", "Mapping", "read_mapping", "rows"]

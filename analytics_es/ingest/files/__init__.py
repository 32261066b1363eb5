"""Files → events, by a mapping."""

from analytics_es.ingest.files.events import ImportedRow
from analytics_es.ingest.files.formats import OTLP, rows
from analytics_es.ingest.files.mapping import Mapping, parse_mapping, read_mapping

__all__ = ["OTLP", "ImportedRow", "Mapping", "parse_mapping", "read_mapping", "rows"]

"""Files → events, by a mapping."""

from analytics_es.ingest.files.events import ImportedRow
from analytics_es.ingest.files.formats import OTLP, rows
from analytics_es.ingest.files.mapping import Mapping, parse_mapping, read_mapping
from analytics_es.ingest.files.notes import Notes, Rows

__all__ = ["OTLP", "ImportedRow", "Mapping", "Notes", "Rows", "parse_mapping", "read_mapping", "rows"]

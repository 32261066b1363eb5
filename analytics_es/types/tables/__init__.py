"""Answers as tables: rows and columns out of their fields, for Arrow and for people."""

from analytics_es.types.tables.answer import Answer, Keyed, Listing, Tabular
from analytics_es.types.tables.columns import Column
from analytics_es.types.tables.rows import Rows, Table

__all__ = ["Answer", "Column", "Keyed", "Listing", "Rows", "Table", "Tabular"]

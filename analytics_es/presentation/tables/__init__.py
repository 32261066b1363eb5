"""Answers → tables, one module an answer."""

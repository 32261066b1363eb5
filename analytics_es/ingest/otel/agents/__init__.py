"""Coding agents, as data: what each calls things in its log records, and by which id a call is known."""

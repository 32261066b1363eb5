"""Budgets: allocated, spent, reached."""

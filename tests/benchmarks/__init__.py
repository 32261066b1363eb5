"""Figures for decisions, each beside a yardstick measured in the same run: `python -m tests.benchmarks`."""

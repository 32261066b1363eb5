"""The command line, `analytics-es`: one module a command, named as the command."""

from analytics_es.cli.main import main

__all__ = ["main"]

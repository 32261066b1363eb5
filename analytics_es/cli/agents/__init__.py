"""agents: the ledger of coding agents: their session logs read into a store, and what they cost."""

from analytics_es.cli.agents.group import agents

__all__ = ["agents"]

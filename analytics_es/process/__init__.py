"""The process we are in: threads of our own, and how it forks and ends. `forks` and `endings` are used as modules."""

from analytics_es.process.threads import Background, Helpers, ahead
from analytics_es.process.trouble import Trouble

__all__ = ["Background", "Helpers", "Trouble", "ahead"]

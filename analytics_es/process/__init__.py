"""The process we are in: threads of our own, and how it forks and ends. `forks` and `endings` are used as modules."""

from analytics_es.process.threads import Aside, Background, Helpers, ahead, started
from analytics_es.process.trouble import Trouble

__all__ = ["Aside", "Background", "Helpers", "Trouble", "ahead", "started"]

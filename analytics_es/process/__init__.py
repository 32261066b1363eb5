"""The process we are in: threads of our own, imports, forks and end. `cycles`, `forks` and `endings` are modules."""

from analytics_es.process.later import Later, face
from analytics_es.process.leaving import leaving
from analytics_es.process.threads import Aside, Background, Helpers, ahead, started
from analytics_es.process.trouble import Trouble

__all__ = ["Aside", "Background", "Helpers", "Later", "Trouble", "ahead", "face", "leaving", "started"]

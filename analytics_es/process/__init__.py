"""The process we are in: its threads of our own, imports, forks and end. `forks` and `endings` are used as modules."""

from analytics_es.process.later import Later, face
from analytics_es.process.threads import Aside, Background, Helpers, ahead, started
from analytics_es.process.trouble import Trouble

__all__ = ["Aside", "Background", "Helpers", "Later", "Trouble", "ahead", "face", "started"]

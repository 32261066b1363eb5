"""Pages and parts of them as HTML: complete without a script, and without anything from elsewhere."""

from analytics_es.presentation.html.links import Links
from analytics_es.presentation.html.page import rendered

__all__ = ["Links", "rendered"]

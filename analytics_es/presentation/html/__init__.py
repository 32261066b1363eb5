"""Pages and parts of them as HTML: complete without a script, and without anything from elsewhere."""

from analytics_es.presentation.html.document import document, fragment, scripts
from analytics_es.presentation.html.links import Links
from analytics_es.presentation.html.page import rendered, rendered_failure
from analytics_es.presentation.html.parts import drawn
from analytics_es.presentation.html.style import stylesheet

__all__ = ["Links", "document", "drawn", "fragment", "rendered", "rendered_failure", "scripts", "stylesheet"]

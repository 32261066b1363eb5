"""What the command line shows of answers: printed for a terminal or a program, and progress meanwhile."""

from analytics_es.cli.display.progress import Bar
from analytics_es.cli.display.render import print_answer, show
from analytics_es.cli.display.sheets import FORMATS, Form

__all__ = ["FORMATS", "Bar", "Form", "print_answer", "show"]

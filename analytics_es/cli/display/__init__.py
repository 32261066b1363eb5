"""What the command line shows: tables and lines, figures in words, progress."""

from analytics_es.cli.display import words
from analytics_es.cli.display.blocks import Beside, Block, Cell, Column, Columns, Grid, Line, Number, Share, Styled
from analytics_es.cli.display.progress import Bar
from analytics_es.cli.display.render import print_answer, show
from analytics_es.cli.display.sheets import FORMATS, Form, Sheets

__all__ = [
    "FORMATS",
    "Bar",
    "Beside",
    "Block",
    "Cell",
    "Column",
    "Columns",
    "Form",
    "Grid",
    "Line",
    "Number",
    "Share",
    "Sheets",
    "Styled",
    "print_answer",
    "show",
    "words",
]

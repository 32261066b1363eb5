"""What the command line shows: tables and lines, figures in words, progress."""

from analytics_es.cli.display import render, words
from analytics_es.cli.display.blocks import Beside, Block, Cell, Column, Grid, Line, Share, Styled
from analytics_es.cli.display.progress import Bar

__all__ = ["Bar", "Beside", "Block", "Cell", "Column", "Grid", "Line", "Share", "Styled", "render", "words"]

"""What answers look like, wherever they are shown: tables and lines, figures in words."""

from analytics_es.presentation import words
from analytics_es.presentation.blocks import (
    Behind,
    Beside,
    Block,
    Cell,
    Column,
    Columns,
    Grid,
    Line,
    Link,
    Number,
    Row,
    Share,
    Styled,
)

__all__ = [
    "Behind",
    "Beside",
    "Block",
    "Cell",
    "Column",
    "Columns",
    "Grid",
    "Line",
    "Link",
    "Number",
    "Row",
    "Share",
    "Styled",
    "words",
]

"""A package of the application's own."""

MINE = "the application's"

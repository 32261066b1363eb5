"""Prices: what calls cost, by the book: default prices, those that were published, and the arithmetic of both."""

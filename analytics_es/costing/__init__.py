"""Usage in read models → money: what was reported, what the price book makes of the rest, and what nobody knows."""

"""What the agents' ledger says of a period: figures that add up, blocks of hours, the whole answer."""

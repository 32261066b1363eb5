"""Whether a number is right, and why it is what it is."""

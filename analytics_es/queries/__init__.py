"""Read models to answers."""

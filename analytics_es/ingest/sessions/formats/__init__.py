"""What agents write, as several of them have it, or as one does at length: it is read here for the declarations."""

"""Sessions of coding agents → tables, which only the command line shows."""

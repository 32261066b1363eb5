"""Coverage-guided fuzzing: one target a module, run by `python -m tests.fuzz NAME --runs N`."""

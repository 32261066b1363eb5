"""What calls mean unless they say otherwise."""

FAMILIES = ("job.*", "task.*", "tool.*", "budget.*", "provider.*", "conversation.*")  # what a subscription records
SCHEMA = "analytics"  # where in a PostgreSQL database a store is
BATCH = 100_000  # events that a rebuild reads at once
MAX_LAG = 60.0  # seconds that read models may be behind, before a store is not ready

"""Coding agents' session logs → events: one engine finds, reads, settles and records; an agent is a declaration."""

"""The words that say how an activity ended: the last part of an event's type."""

from __future__ import annotations

OK, ERROR, CANCELLED, UNKNOWN, BEGUN = "ok", "error", "cancelled", "unknown", "begun"

# Which edition of these words it is. A projection that reads `outcome` is of another definition under another edition.
EDITION = 2

# How an activity ended, by the words that say so. `unknown`: it ended somehow; `begun`: it did not end.
WORDS = {
    OK: ("completed", "succeeded", "success", "successful", "finished", "done", "passed"),
    ERROR: (
        *("failed", "failure", "fail", "error", "errored", "exception", "timeout", "timed_out", "crashed", "crash"),
        *("rejected", "denied", "refused", "expired", "rate_limited", "throttled", "overloaded"),
    ),
    CANCELLED: ("cancelled", "canceled", "aborted", "interrupted"),
    UNKNOWN: ("ended", "end", "closed", "stopped", "terminated", "killed", "exited"),
    BEGUN: ("started", "created", "queued", "requested", "scheduled", "submitted", "received"),
}
# What the last part of a type says of how an activity ended; `None` in VERDICTS.get means it does not say.
VERDICTS = {word: verdict for verdict, words in WORDS.items() for word in words}

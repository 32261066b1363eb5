"""The statements of the log in SQLite."""

from __future__ import annotations

from analytics_es.log.event_log import SLOT_DIGITS
from analytics_es.log.strict import INDEX

# What tells this log from every other.
CREATE_IDENTITY = "CREATE TABLE IF NOT EXISTS log_identity (id TEXT NOT NULL)"
INSERT_IDENTITY = "INSERT INTO log_identity SELECT :id WHERE NOT EXISTS (SELECT * FROM log_identity)"
SELECT_IDENTITY = "SELECT id FROM log_identity"

# What holds of the log from here on.
CREATE_NOTES = "CREATE TABLE IF NOT EXISTS log_notes (name TEXT PRIMARY KEY, value TEXT NOT NULL)"
WRITE_NOTE = "INSERT INTO log_notes VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
# Some pages, which find their way into the write-ahead log at once, and are undone: whether there is room for more.
TRY_TO_WRITE = "INSERT INTO log_notes VALUES ('', CAST(zeroblob(16384) AS TEXT))"

DELETE_NOTE = "DELETE FROM log_notes WHERE name = ?"
SELECT_NOTES = "SELECT name, value FROM log_notes WHERE substr(name, 1, length(?)) = ? ORDER BY name"
NOTE_ROWS = (
    "INSERT INTO log_notes SELECT ?, max(rowid) FROM stored_events HAVING max(rowid) IS NOT NULL "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)

# What the service itself has to say is found by its type; a small index, since everything else is not in it.
CREATE_OWN = (
    "CREATE INDEX IF NOT EXISTS stored_events_own ON stored_events (topic) WHERE substr(topic, 1, 10) = 'analytics.'"
)

# Whether every source is strict.
FIND_STRICT = f"SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = '{INDEX}'"

# What is read of an event.
EVENTS = "SELECT rowid, topic, state, originator_id FROM stored_events "

# The events of a stretch of positions, in order.
SCAN = EVENTS + "WHERE rowid > ? AND rowid <= ?{unsealed} ORDER BY rowid LIMIT ?"

# The positions of the events of a stretch of time, in order; index only.
POSITIONS_IN_TIME = (
    "SELECT rowid FROM stored_events WHERE originator_id >= ? AND originator_id < ? "
    "AND rowid > ? AND rowid <= ?{unsealed} ORDER BY +rowid"
)

# The events of a stretch of time within a short stretch of positions.
SCAN_IN_TIME = EVENTS + (
    "WHERE rowid BETWEEN ? AND ? AND +originator_id >= ? AND +originator_id < ?{also}{unsealed} ORDER BY rowid"
)

# Whether a stretch of time has more events than so many; index only.
MORE_IN_TIME = "SELECT 1 FROM stored_events WHERE originator_id >= ? AND originator_id < ? LIMIT 1 OFFSET ?"

# The events of a short stretch of time that meet a condition, without keys, found by the index of these, in no order.
IN_TIME = "SELECT rowid, topic, state FROM stored_events WHERE originator_id >= ? AND originator_id < ?{also}{unsealed}"

# In which slots of time the events of a stretch of positions are.
SLOTS = (
    f"SELECT DISTINCT substr(originator_id, 1, {SLOT_DIGITS}) FROM stored_events "
    "WHERE rowid > ? AND rowid <= ?{unsealed}"
)

# Where the events of a stretch of time are, and how many there are; index only.
BOUNDS_IN_TIME = (
    "SELECT min(rowid), max(rowid), count(*) FROM stored_events WHERE originator_id >= ? AND originator_id < ? "
    "AND rowid > ? AND rowid <= ?{unsealed}"
)

# The first and the last position; each is looked up.
ENDS = "SELECT (SELECT min(rowid) FROM stored_events), (SELECT max(rowid) FROM stored_events)"

# The first event with a column that is no text of ours, or no bytes.
FIND_DAMAGED = (
    "SELECT rowid, topic, state, originator_id FROM stored_events WHERE typeof(topic) <> 'text' "
    "OR topic GLOB '*[^ -~]*' OR typeof(state) <> 'blob' OR typeof(originator_id) <> 'text' "
    "OR length(originator_id) <> 32 OR originator_id GLOB '*[^0-9a-f]*' ORDER BY rowid LIMIT 1"
)

# The keys of a stretch of time; index only.
KEYS_IN_TIME = (
    "SELECT originator_id FROM stored_events WHERE originator_id >= ? AND originator_id < ? AND rowid <= ?{unsealed} "
    "ORDER BY originator_id"
)

# The last event of a stretch of positions.
LATEST = EVENTS + "WHERE rowid <= ?{unsealed} ORDER BY rowid DESC LIMIT 1"

# The event with a key.
OF_KEY = EVENTS + "WHERE originator_id = ? AND originator_version = 1{unsealed}"

# The events of some milliseconds.
OCCURRED_IN = (
    "SELECT originator_id, stored_events.rowid, topic, state FROM json_each(?) CROSS JOIN stored_events "
    "WHERE originator_id >= value AND originator_id < value || 'g'"
)

# The events that hold some bytes, or are of some types.
SEARCH = (
    "SELECT rowid, topic, state FROM stored_events WHERE rowid > ? "
    "AND (instr(state, ?) > 0 OR topic IN (SELECT value FROM json_each(?))) ORDER BY rowid LIMIT ?"
)

# The same, whatever the case of letters from A to Z.
SEARCH_ANY_CASE = SEARCH.replace("instr(state, ?)", "instr(lower(CAST(state AS TEXT)), lower(CAST(? AS TEXT)))")

# What is stored at these positions, and to be replaced there.
TO_REWRITE = (
    "SELECT rowid, topic, CAST(state AS BLOB), originator_id, checksum FROM stored_events "
    "WHERE rowid IN (SELECT value FROM json_each(?))"
)
REWRITE = "UPDATE stored_events SET state = ?, checksum = ? WHERE rowid = ?"
NOTE_REWRITTEN = (
    "INSERT INTO log_notes VALUES (?, '1') ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
)

# What has no checksum at these positions, or all that is there; and to give it one.
ALL_OF = "SELECT rowid, topic, state, originator_id FROM stored_events WHERE rowid BETWEEN ? AND ?"
UNSUMMED_OF = f"{ALL_OF} AND checksum IS NULL AND originator_version = 1"
WRITE_SUM = "UPDATE stored_events SET checksum = ?, originator_version = 1 WHERE rowid = ?"

# The events of one type of the service's own within a stretch of positions; these are never sealed.
ANNOUNCED = EVENTS + (
    "INDEXED BY stored_events_own WHERE topic = ? AND substr(topic, 1, 10) = 'analytics.' "
    "AND rowid > ? AND rowid <= ? ORDER BY rowid"
)

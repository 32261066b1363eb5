"""The statements of the log in PostgreSQL; those that scan have their values in their text."""

from __future__ import annotations

from analytics_es.log.strict import INDEX, STRICT
from analytics_es.log.sums import SAID

# What tells this log from every other.
SELECT_IDENTITY = "SELECT id FROM log_identity"

# The last position.
HEAD = "SELECT coalesce(max(notification_id), 0) FROM stored_events"

# What holds of the log from here on.
SELECT_NOTE = "SELECT value FROM log_notes WHERE name = ?"
SELECT_NOTES = "SELECT name, value FROM log_notes WHERE substr(name, 1, length(?)) = ? ORDER BY name"
# Whether an event could be appended: the lock of who appends, and a statement that the server would run then.
TRY_TO_WRITE = (
    "BEGIN; SET LOCAL lock_timeout = '250ms'; LOCK TABLE stored_events IN EXCLUSIVE MODE; "
    "INSERT INTO stored_events SELECT * FROM stored_events WHERE false; ROLLBACK"
)
DELETE_NOTE = "DELETE FROM log_notes WHERE name = %s"

# What it is strict about, and whether that is every source.
FIND_STRICT = f"SELECT (SELECT value FROM log_notes WHERE name = '{STRICT}'), to_regclass('{INDEX}') IS NOT NULL"

# What is read of an event.
EVENTS = "SELECT notification_id AS position, topic AS type, state, originator_id AS key FROM {table} "

# The same, and what its checksum says.
SUMMED = EVENTS.replace(" FROM", f", {SAID.format(position='notification_id')} AS said FROM")

# The events of a stretch of positions, in order.
SCAN = EVENTS + (
    "WHERE notification_id > {after} AND notification_id <= {upto}{unsealed} ORDER BY notification_id LIMIT {limit}"
)

# Few events of a stretch of positions, and before them, at position 0, what is sealed; in one trip to the server.
SCAN_FEW = (
    "SELECT 0, (SELECT value FROM sealing WHERE name = %s), ''::bytea, '', 0 "
    f"UNION ALL (SELECT notification_id, topic, state, originator_id, {SAID.format(position='notification_id')} "
    "FROM stored_events "
    "WHERE notification_id > %s AND notification_id <= %s{unsealed} ORDER BY notification_id LIMIT %s)"
)

# The next event.
NEXT = EVENTS + "WHERE notification_id > ?{unsealed} ORDER BY notification_id LIMIT 1"

# The positions of the events of a stretch of time, in order.
POSITIONS_IN_TIME = (
    "SELECT notification_id FROM {table} WHERE originator_id >= '{first}' AND originator_id < '{end}' "
    "AND notification_id > {after} AND notification_id <= {upto}{unsealed} ORDER BY notification_id"
)

# In which slots of time the events of a stretch of positions are.
SLOTS = (
    "SELECT DISTINCT substr(originator_id, 1, {digits}) AS slot FROM {table} "
    "WHERE notification_id > {after} AND notification_id <= {upto}{unsealed}"
)

# The events of a stretch of time within a short stretch of positions.
SCAN_IN_TIME = EVENTS + (
    "WHERE notification_id BETWEEN {start} AND {stop} AND originator_id >= '{first}' "
    "AND originator_id < '{end}'{also}{unsealed} ORDER BY notification_id"
)

# The keys of a stretch of time.
KEYS_IN_TIME = (
    "SELECT originator_id AS key FROM {table} WHERE originator_id >= '{first}' AND originator_id < '{end}' "
    "AND notification_id <= {upto}{unsealed} ORDER BY originator_id"
)

# The last event of a stretch of positions.
LATEST = EVENTS + "WHERE notification_id <= {upto}{unsealed} ORDER BY notification_id DESC LIMIT 1"

# The event with a key.
OF_KEY = EVENTS + "WHERE originator_id = {key} AND originator_version = 1{unsealed}"

# The events of some milliseconds.
OCCURRED_IN = (
    "SELECT originator_id, notification_id, topic, state FROM unnest(%s::text[]) AS given (millisecond) "
    "JOIN stored_events ON originator_id >= millisecond AND originator_id < millisecond || 'g'"
)

# The events that hold some bytes, or are of some types.
SEARCH = (
    "SELECT notification_id, topic, state FROM stored_events WHERE notification_id > %s "
    "AND (position(%s::bytea IN state) > 0 OR topic = ANY(%s)) ORDER BY notification_id LIMIT %s"
)

# The same, whatever the case of letters from A to Z: what is no such letter is written as its code.
_LOWERED = "lower(encode({}, 'escape') COLLATE \"C\")"
SEARCH_ANY_CASE = SEARCH.replace(
    "position(%s::bytea IN state)", f"position({_LOWERED.format('%s::bytea')} IN {_LOWERED.format('state')})"
)

# What is stored at these positions, and to be replaced there.
TO_REWRITE = (
    "SELECT notification_id, topic, state, originator_id, checksum FROM stored_events "
    "WHERE notification_id = ANY(%s) FOR UPDATE"
)
REWRITE = (
    "UPDATE stored_events SET state = given.state, checksum = given.checksum "
    "FROM unnest(%s::bytea[], %s::integer[], %s::bigint[]) AS given (state, checksum, position) "
    "WHERE notification_id = position"
)
NOTE_REWRITTEN = (
    "INSERT INTO log_notes VALUES (%s, '1') "
    "ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(log_notes.value AS bigint) + 1 AS text)"
)

# What has no checksum at these positions, or all that is there; and to give it one.
ALL_OF = (
    "SELECT notification_id, topic, state, originator_id FROM stored_events "
    "WHERE notification_id BETWEEN %s AND %s{which} FOR UPDATE"
)
UNSUMMED_OF = ALL_OF.format(which=" AND checksum IS NULL AND originator_version = 1")
ALL_OF = ALL_OF.format(which="")
WRITE_SUMS = (
    "UPDATE stored_events SET checksum = given.checksum, originator_version = 1 "
    "FROM unnest(%s::integer[], %s::bigint[]) AS given (checksum, position) WHERE notification_id = position"
)

# The events of one type of the service's own within a stretch of positions; these are never sealed.
ANNOUNCED = EVENTS + (
    "WHERE topic = {type} AND substr(topic, 1, 10) = 'analytics.' "
    "AND notification_id > {after} AND notification_id <= {upto} ORDER BY notification_id"
)

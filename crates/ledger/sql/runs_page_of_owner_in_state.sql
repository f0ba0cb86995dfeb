-- Runs of one owner in one state of the v3 API, newest first.
SELECT position, id, owner, definition, code, stored_definition, state, submitted_at, changed_at
FROM runs WHERE owner = :owner AND wire = :wire AND position < :before ORDER BY position DESC LIMIT :limit;

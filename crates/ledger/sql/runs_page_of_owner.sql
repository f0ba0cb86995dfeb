-- Runs of one owner, newest first.
SELECT position, id, owner, definition, code, stored_definition, state, submitted_at, changed_at
FROM runs WHERE owner = :owner AND position < :before ORDER BY position DESC LIMIT :limit;

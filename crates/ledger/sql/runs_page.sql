-- Runs of all owners, newest first.
SELECT position, id, owner, definition, code, stored_definition, state, submitted_at, changed_at
FROM runs WHERE position < :before ORDER BY position DESC LIMIT :limit;

-- Runs of all owners, oldest first.
SELECT position, id, owner, definition, code, stored_definition, state, submitted_at, changed_at
FROM runs WHERE position > :after ORDER BY position LIMIT :limit;

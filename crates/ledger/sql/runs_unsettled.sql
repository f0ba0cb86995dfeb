-- All runs that can still move, in submission order.
SELECT position, id, owner, definition, code, stored_definition, state, submitted_at, changed_at
FROM runs WHERE settled = 0 ORDER BY position;

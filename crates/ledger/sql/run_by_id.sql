-- One run, and the number of its newest event.
SELECT position, id, owner, definition, code, stored_definition, state, submitted_at, changed_at, last_event
FROM runs WHERE id = :id;

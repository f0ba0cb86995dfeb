-- What is still to be done, for every run that has something, oldest run first.
-- CROSS: from the few effects to their runs, and never through a million runs to the few.
SELECT runs.position, id, owner, definition, code, stored_definition, state, submitted_at, changed_at, effects
FROM effects_due CROSS JOIN runs ON runs.position = effects_due.run ORDER BY effects_due.run

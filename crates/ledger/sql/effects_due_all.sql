-- What is still to be done, for every run that has something, oldest run first.
SELECT runs.position, id, owner, definition, code, stored_definition, state, submitted_at, changed_at, effects
FROM effects_due JOIN runs ON runs.position = effects_due.run ORDER BY runs.position

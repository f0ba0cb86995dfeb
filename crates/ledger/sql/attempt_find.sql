-- An attempt: the run's position, and whether it still takes tokens.
SELECT attempts.run, attempts.closed
FROM runs JOIN attempts ON attempts.run = runs.position
WHERE runs.id = :id AND attempts.attempt = :attempt;

-- The attempts of a run, in their order.
SELECT attempts.attempt, attempts.opened_at, attempts.ended_at, attempts.outcome
FROM runs JOIN attempts ON attempts.run = runs.position
WHERE runs.id = :id
ORDER BY attempts.attempt;

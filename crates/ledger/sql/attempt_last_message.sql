-- The newest message taken from the attempt's learner.
SELECT attempts.last_message
FROM runs JOIN attempts ON attempts.run = runs.position
WHERE runs.id = :id AND attempts.attempt = :attempt;

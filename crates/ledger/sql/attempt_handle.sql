-- What the engine needs to find the attempt's learner again.
SELECT attempts.handle
FROM runs JOIN attempts ON attempts.run = runs.position
WHERE runs.id = :id AND attempts.attempt = :attempt;

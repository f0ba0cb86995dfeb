-- The row of a run.
SELECT position FROM runs WHERE id = :id

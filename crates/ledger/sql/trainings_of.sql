-- The trainings of an experiment's run, in order.
SELECT experiment_run, reference, trial, run, code, seed, parameters, submitted_at, begun, ended_at, outcome
FROM trainings WHERE experiment_run = :experiment_run ORDER BY reference, trial;

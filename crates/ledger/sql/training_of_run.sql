-- The training whose run has this id.
SELECT experiment_run, reference, trial, run, code, seed, parameters, submitted_at, begun, ended_at, outcome
FROM trainings WHERE run = :run;

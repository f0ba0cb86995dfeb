-- A training of an experiment's run. No row comes back when it is there already.
INSERT INTO trainings (experiment_run, reference, trial, run, code, seed, parameters, submitted_at)
VALUES (:experiment_run, :reference, :trial, :run, :code, :seed, :parameters, :now)
ON CONFLICT DO NOTHING
RETURNING 1;

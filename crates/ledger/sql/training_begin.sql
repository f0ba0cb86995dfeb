-- A training's run has been submitted.
UPDATE trainings SET begun = 1 WHERE run = :run;

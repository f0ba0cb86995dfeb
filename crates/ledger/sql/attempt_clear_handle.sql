-- The attempt's learner is gone, and another is to be started.
UPDATE attempts SET handle = NULL WHERE run = :run AND attempt = :attempt;

-- What the engine needs to find the attempt's learner again.
UPDATE attempts SET handle = :handle WHERE run = :run AND attempt = :attempt;

-- A new attempt, which holds slots from now on.
INSERT INTO attempts (run, attempt, opened_at) VALUES (:run, :attempt, :at);

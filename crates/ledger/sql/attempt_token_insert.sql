-- A token that speaks for an attempt.
INSERT INTO attempt_tokens (hash, run, attempt) VALUES (:hash, :run, :attempt);

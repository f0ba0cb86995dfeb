-- The attempt that a token speaks for.
SELECT runs.id, attempt_tokens.attempt
FROM attempt_tokens JOIN runs ON runs.position = attempt_tokens.run
WHERE attempt_tokens.hash = :hash;

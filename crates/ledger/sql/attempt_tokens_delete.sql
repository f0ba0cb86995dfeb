-- Takes the tokens of an attempt out of service.
DELETE FROM attempt_tokens WHERE run = :run AND attempt = :attempt;

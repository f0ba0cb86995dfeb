-- The attempt holds its slots no longer.
UPDATE attempts SET ended_at = :at, outcome = :outcome WHERE run = :run AND attempt = :attempt;

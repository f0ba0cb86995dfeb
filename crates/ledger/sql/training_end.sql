-- How a training ended; said once.
UPDATE trainings SET ended_at = :now, outcome = :outcome
WHERE run = :run AND outcome IS NULL;

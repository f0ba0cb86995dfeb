-- The attempt holds no slots any more.
UPDATE attempts SET ended_at = :at WHERE run = :run AND attempt = :attempt;

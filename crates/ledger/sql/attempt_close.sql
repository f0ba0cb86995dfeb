-- The attempt takes no token any more.
UPDATE attempts SET closed = 1 WHERE run = :run AND attempt = :attempt;

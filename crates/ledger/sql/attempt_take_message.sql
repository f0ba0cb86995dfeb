-- Marks a learner's message as taken, if it is newer than all that were.
UPDATE attempts SET last_message = :seq
WHERE run = :run AND attempt = :attempt AND last_message < :seq;

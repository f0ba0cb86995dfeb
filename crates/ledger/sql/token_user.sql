-- Whose token it is and what it is good for, while its time lasts.
SELECT user, access, expires FROM tokens
WHERE hash = :hash AND (expires IS NULL OR expires > :now);

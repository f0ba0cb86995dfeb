-- A user who has not been removed.
SELECT name, password, access, created_at FROM users WHERE name = :name AND removed_at IS NULL;

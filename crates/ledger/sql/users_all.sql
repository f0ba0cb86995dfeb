-- All users who have not been removed.
SELECT name, password, access, created_at FROM users WHERE removed_at IS NULL ORDER BY name;

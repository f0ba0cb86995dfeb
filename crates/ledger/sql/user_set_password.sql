-- Another password.
UPDATE users SET password = :password WHERE name = :name AND removed_at IS NULL;

-- A user may not come in any more. The name stays taken.
UPDATE users SET removed_at = :now WHERE name = :name AND removed_at IS NULL;

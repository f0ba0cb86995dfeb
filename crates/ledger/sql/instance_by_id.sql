-- An instance.
SELECT id, name, created_at FROM instances WHERE id = :id;

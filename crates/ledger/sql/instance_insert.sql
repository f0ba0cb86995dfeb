-- A new instance. No row comes back when the name or the id is taken.
INSERT INTO instances (id, name, created_at) VALUES (:id, :name, :now)
ON CONFLICT DO NOTHING
RETURNING 1;

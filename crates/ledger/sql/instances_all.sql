-- All instances.
SELECT id, name, created_at FROM instances ORDER BY name;

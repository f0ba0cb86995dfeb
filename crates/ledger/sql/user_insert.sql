-- A new user. No row comes back when the name is, or was, somebody's.
INSERT INTO users (name, password, access, created_at) VALUES (:name, :password, :access, :now)
ON CONFLICT (name) DO NOTHING
RETURNING 1;

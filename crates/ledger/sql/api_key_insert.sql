-- What an API key is called. No row comes back when the user has one of this name.
INSERT INTO api_keys (user, name, hash, created_at) VALUES (:user, :name, :hash, :now)
ON CONFLICT (user, name) DO NOTHING
RETURNING 1;

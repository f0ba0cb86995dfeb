-- A user's token; putting it again changes what it is good for.
INSERT INTO tokens (hash, user, access, expires) VALUES (:hash, :user, :access, :expires)
ON CONFLICT (hash) DO UPDATE SET user = excluded.user, access = excluded.access, expires = excluded.expires;

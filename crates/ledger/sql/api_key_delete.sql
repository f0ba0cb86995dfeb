-- Forgets an API key; the token's hash comes back.
DELETE FROM api_keys WHERE user = :user AND name = :name RETURNING hash;

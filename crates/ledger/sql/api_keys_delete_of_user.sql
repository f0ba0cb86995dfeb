-- Forgets all of a user's API keys.
DELETE FROM api_keys WHERE user = :user;

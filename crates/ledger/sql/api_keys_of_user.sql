-- The names of a user's API keys.
SELECT name FROM api_keys WHERE user = :user ORDER BY name;

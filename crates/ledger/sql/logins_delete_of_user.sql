-- A user's logins. API keys stay.
DELETE FROM tokens WHERE user = :user AND expires IS NOT NULL;

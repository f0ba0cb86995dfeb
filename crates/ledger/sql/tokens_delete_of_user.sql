-- Everything that lets a user in without a password.
DELETE FROM tokens WHERE user = :user;

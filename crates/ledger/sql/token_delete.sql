-- Takes a user's token out of service.
DELETE FROM tokens WHERE hash = :hash;

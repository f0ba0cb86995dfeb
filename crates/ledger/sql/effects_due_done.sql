-- All of it has been done.
DELETE FROM effects_due WHERE run = :run

-- It has been done.
DELETE FROM effects_due WHERE run = (SELECT position FROM runs WHERE id = :id)

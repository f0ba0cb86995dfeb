-- Everything on record about a run: secrets, events, attempts and tokens go by ON DELETE CASCADE.
DELETE FROM runs WHERE id = :id;

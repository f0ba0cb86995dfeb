-- Removes an instance. What its members made stays theirs.
DELETE FROM instances WHERE id = :id;

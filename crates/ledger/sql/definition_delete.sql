-- Removes a training definition. Runs made from it stay.
DELETE FROM definitions WHERE id = :id;

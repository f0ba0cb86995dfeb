-- Takes the next event number of a run. No row comes back when there is no such run.
UPDATE runs SET last_event = last_event + 1 WHERE id = :id
RETURNING position, last_event;

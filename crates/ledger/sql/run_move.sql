-- A run's new state.
UPDATE runs
SET state = :state, wire = :wire, settled = :settled, last_event = :last_event, changed_at = :changed_at
WHERE position = :run;

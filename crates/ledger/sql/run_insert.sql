-- A new run. No row comes back when the id is taken.
INSERT INTO runs (id, owner, definition, code, stored_definition, state, wire, settled, last_event, submitted_at, changed_at)
VALUES (:id, :owner, :definition, :code, :stored_definition, :state, :wire, 0, 1, :submitted_at, :submitted_at)
ON CONFLICT (id) DO NOTHING
RETURNING position;

-- Is anything sealed with another key than this? A record is opened with its own key only, so
-- the oldest and the newest of a million secrets tell of all.
SELECT EXISTS (SELECT 1 FROM (SELECT key_id FROM secrets ORDER BY run LIMIT 1) WHERE key_id <> :key_id)
    OR EXISTS (SELECT 1 FROM (SELECT key_id FROM secrets ORDER BY run DESC LIMIT 1) WHERE key_id <> :key_id)
    OR EXISTS (SELECT 1 FROM definitions WHERE key_id <> :key_id)
    OR EXISTS (SELECT 1 FROM documents WHERE key_id <> :key_id);

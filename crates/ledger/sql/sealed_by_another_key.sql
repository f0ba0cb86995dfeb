-- Is anything sealed with another key than this?
SELECT EXISTS (SELECT 1 FROM secrets WHERE key_id <> :key_id)
    OR EXISTS (SELECT 1 FROM definitions WHERE key_id <> :key_id);

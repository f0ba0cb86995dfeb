-- Somebody belongs to an instance from now on.
INSERT INTO instance_members (instance, user) VALUES (:id, :user) ON CONFLICT DO NOTHING;

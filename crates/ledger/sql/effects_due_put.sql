-- What is still to be done because of a transition that is on record.
INSERT INTO effects_due (run, effects) VALUES (:run, :effects)
ON CONFLICT (run) DO UPDATE SET effects = :effects

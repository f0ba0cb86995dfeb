-- Does a run, a stored definition or a search that goes on need this zip?
SELECT EXISTS (SELECT 1 FROM runs WHERE code = :code)
    OR EXISTS (SELECT 1 FROM definitions WHERE content = :code)
    OR EXISTS (SELECT 1 FROM trainings WHERE code = :code AND outcome IS NULL);

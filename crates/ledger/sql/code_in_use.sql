-- Does a run or a stored definition need this zip?
SELECT EXISTS (SELECT 1 FROM runs WHERE code = :code)
    OR EXISTS (SELECT 1 FROM definitions WHERE content = :code)

-- How an attempt ended: what the run's state says of it is gone once another follows.
ALTER TABLE attempts ADD COLUMN outcome TEXT; -- JSON: AttemptOutcome; NULL while it lives

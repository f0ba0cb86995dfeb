-- How many runs an owner has.
SELECT coalesce(sum(runs), 0) FROM run_counts WHERE owner = :owner;

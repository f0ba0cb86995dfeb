-- How many runs of an owner are in a state of the v3 API.
SELECT coalesce(sum(runs), 0) FROM run_counts WHERE owner = :owner AND wire = :wire;

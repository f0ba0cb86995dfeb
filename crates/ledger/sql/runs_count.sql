-- How many runs there are (a sum over owners and states, not over runs).
SELECT coalesce(sum(runs), 0) FROM run_counts;

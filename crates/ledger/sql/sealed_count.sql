-- How many rows are sealed.
SELECT (SELECT count(*) FROM secrets) + (SELECT count(*) FROM definitions)
    + (SELECT count(*) FROM documents);

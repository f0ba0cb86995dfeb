-- How many training definitions there are.
SELECT count(*) FROM definitions;

-- How many documents belong to another.
SELECT count(*) FROM documents WHERE parent = :parent;

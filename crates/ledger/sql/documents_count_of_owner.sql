-- How many documents of one kind an owner has.
SELECT count(*) FROM documents WHERE kind = :kind AND owner = :owner;

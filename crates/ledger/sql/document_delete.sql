-- Removes a document and what belongs to it.
DELETE FROM documents WHERE id = :id AND kind = :kind;

-- Documents of one kind and owner, newest first.
SELECT position, id, kind, parent, owner, name, key_id, nonce, ciphertext, state, settled, created_at, modified_at
FROM documents WHERE kind = :kind AND owner = :owner AND position < :before ORDER BY position DESC LIMIT :limit;

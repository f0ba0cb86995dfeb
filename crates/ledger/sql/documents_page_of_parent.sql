-- Documents that belong to another, newest first.
SELECT position, id, kind, parent, owner, name, key_id, nonce, ciphertext, state, settled, created_at, modified_at
FROM documents WHERE parent = :parent AND position < :before ORDER BY position DESC LIMIT :limit;

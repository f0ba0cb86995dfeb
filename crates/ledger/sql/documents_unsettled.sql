-- Documents of one kind with something left to be done, oldest first.
SELECT position, id, kind, parent, owner, name, key_id, nonce, ciphertext, state, settled, created_at, modified_at
FROM documents WHERE kind = :kind AND settled = 0 ORDER BY position;

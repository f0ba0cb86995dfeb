-- A document of this kind.
SELECT position, id, kind, parent, owner, name, key_id, nonce, ciphertext, state, settled, created_at, modified_at
FROM documents WHERE id = :id AND kind = :kind;

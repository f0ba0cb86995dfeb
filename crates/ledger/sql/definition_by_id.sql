-- One training definition.
SELECT position, id, owner, name, key_id, nonce, ciphertext, content, created_at
FROM definitions WHERE id = :id;

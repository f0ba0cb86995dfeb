-- Training definitions of all owners, newest first.
SELECT position, id, owner, name, key_id, nonce, ciphertext, content, created_at
FROM definitions WHERE position < :before ORDER BY position DESC LIMIT :limit;

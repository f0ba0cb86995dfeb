-- Training definitions of one owner, newest first.
SELECT position, id, owner, name, key_id, nonce, ciphertext, content, created_at
FROM definitions WHERE owner = :owner AND position < :before ORDER BY position DESC LIMIT :limit;

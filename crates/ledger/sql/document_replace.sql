-- Another text under the same id.
UPDATE documents SET name = :name, key_id = :key_id, nonce = :nonce, ciphertext = :ciphertext, modified_at = :now
WHERE id = :id;

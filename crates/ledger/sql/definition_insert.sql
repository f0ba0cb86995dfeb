-- A new training definition. No row comes back when the id is taken.
INSERT INTO definitions (id, owner, name, key_id, nonce, ciphertext, created_at)
VALUES (:id, :owner, :name, :key_id, :nonce, :ciphertext, :created_at)
ON CONFLICT (id) DO NOTHING
RETURNING position;

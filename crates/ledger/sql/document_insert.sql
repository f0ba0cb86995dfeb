-- A new document. No row comes back when the id is taken.
INSERT INTO documents (id, kind, parent, owner, name, key_id, nonce, ciphertext, state, settled, created_at, modified_at)
VALUES (:id, :kind, :parent, :owner, :name, :key_id, :nonce, :ciphertext, :state, :settled, :now, :now)
ON CONFLICT (id) DO NOTHING
RETURNING position;

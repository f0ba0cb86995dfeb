-- A run's sealed credentials.
INSERT INTO secrets (run, key_id, nonce, ciphertext)
VALUES (:run, :key_id, :nonce, :ciphertext);

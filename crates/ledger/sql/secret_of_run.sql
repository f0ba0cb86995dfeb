-- A run's sealed credentials; NULLs when it has none.
SELECT secrets.key_id, secrets.nonce, secrets.ciphertext
FROM runs LEFT JOIN secrets ON secrets.run = runs.position
WHERE runs.id = :id;

-- How a document stands from now on, if it still stands as it was seen.
UPDATE documents SET state = :state, settled = :settled, modified_at = :now WHERE id = :id AND state = :seen;

-- The zip of a training definition.
UPDATE definitions SET content = :content WHERE id = :id;

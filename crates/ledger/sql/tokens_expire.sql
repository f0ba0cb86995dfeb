-- Removes the tokens whose time is over.
DELETE FROM tokens WHERE expires IS NOT NULL AND expires <= :now;

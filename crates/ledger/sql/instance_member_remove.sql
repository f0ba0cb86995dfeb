-- Somebody does not belong to an instance any more.
DELETE FROM instance_members WHERE instance = :id AND user = :user;

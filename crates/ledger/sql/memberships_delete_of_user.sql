-- Somebody belongs to no instance any more.
DELETE FROM instance_members WHERE user = :user;

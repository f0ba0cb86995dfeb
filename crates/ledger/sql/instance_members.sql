-- Who belongs to an instance.
SELECT user FROM instance_members WHERE instance = :id ORDER BY user;

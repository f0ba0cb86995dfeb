-- How many training definitions an owner has.
SELECT count(*) FROM definitions WHERE owner = :owner;

-- What is still to be done for one run.
SELECT effects FROM effects_due WHERE run = :run

-- One thing that happened to a run.
INSERT INTO events (run, seq, at, room, kind, message, data)
VALUES (:run, :seq, :at, :room, :kind, :message, :data);

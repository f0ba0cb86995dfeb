-- What happened to a run after an event that is already known.
SELECT events.seq, events.at, events.room, events.kind, events.message, events.data
FROM runs JOIN events ON events.run = runs.position
WHERE runs.id = :id AND events.seq > :after
ORDER BY events.seq LIMIT :limit;

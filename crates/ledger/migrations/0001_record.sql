-- The record: runs, what happened to them, their sealed credentials, who may
-- speak for them, and stored training definitions.
--
-- Times are microseconds since 1970 (UTC). JSON columns hold what serde writes
-- for the type of the same name in the model.

CREATE TABLE runs (
    -- Submission order. AUTOINCREMENT: a position is never used twice, so a
    -- page's cursor stays good when the newest run is forgotten.
    position          INTEGER PRIMARY KEY AUTOINCREMENT,
    id                TEXT    NOT NULL UNIQUE,
    owner             TEXT    NOT NULL,
    definition        TEXT    NOT NULL, -- JSON: TrainingDefinition; holds no secret
    code              TEXT    NOT NULL, -- SHA-256 of the zip, hex
    stored_definition BLOB,             -- UUID; no foreign key: a run outlives it
    state             TEXT    NOT NULL, -- JSON: RunState
    wire              TEXT    NOT NULL, -- the state's word in the v3 API
    settled           INTEGER NOT NULL CHECK (settled IN (0, 1)),
    last_event        INTEGER NOT NULL DEFAULT 0, -- newest events.seq of this run
    submitted_at      INTEGER NOT NULL,
    changed_at        INTEGER NOT NULL
) STRICT;

-- An index ends with the row's position, so each of these is in list order.
CREATE INDEX runs_by_owner ON runs (owner);
CREATE INDEX runs_by_owner_and_wire ON runs (owner, wire);
CREATE INDEX runs_by_wire ON runs (wire);
CREATE INDEX runs_by_code ON runs (code);
CREATE INDEX runs_unsettled ON runs (settled) WHERE settled = 0;

-- How many runs a list has, without counting them: kept by the triggers below.
CREATE TABLE run_counts (
    owner TEXT    NOT NULL,
    wire  TEXT    NOT NULL,
    runs  INTEGER NOT NULL,
    PRIMARY KEY (owner, wire)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER runs_count_in AFTER INSERT ON runs BEGIN
    INSERT INTO run_counts (owner, wire, runs) VALUES (NEW.owner, NEW.wire, 1)
    ON CONFLICT (owner, wire) DO UPDATE SET runs = runs + 1;
END;

CREATE TRIGGER runs_count_out AFTER DELETE ON runs BEGIN
    UPDATE run_counts SET runs = runs - 1 WHERE owner = OLD.owner AND wire = OLD.wire;
END;

CREATE TRIGGER runs_count_move AFTER UPDATE OF wire ON runs WHEN OLD.wire <> NEW.wire BEGIN
    UPDATE run_counts SET runs = runs - 1 WHERE owner = OLD.owner AND wire = OLD.wire;
    INSERT INTO run_counts (owner, wire, runs) VALUES (NEW.owner, NEW.wire, 1)
    ON CONFLICT (owner, wire) DO UPDATE SET runs = runs + 1;
END;

-- Connection credentials, XChaCha20-Poly1305. No row: the run has none.
CREATE TABLE secrets (
    run        INTEGER PRIMARY KEY REFERENCES runs (position) ON DELETE CASCADE,
    key_id     TEXT NOT NULL, -- which key sealed it
    nonce      BLOB NOT NULL,
    ciphertext BLOB NOT NULL
) STRICT;

CREATE TABLE events (
    run     INTEGER NOT NULL REFERENCES runs (position) ON DELETE CASCADE,
    seq     INTEGER NOT NULL, -- 1, 2, 3 … within the run
    at      INTEGER NOT NULL,
    room    TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    message TEXT    NOT NULL,
    data    TEXT    NOT NULL, -- JSON
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

-- Effects of transitions that are to be carried out even if the server dies first.
CREATE TABLE effects_due (
    run     INTEGER PRIMARY KEY REFERENCES runs (position) ON DELETE CASCADE,
    effects TEXT    NOT NULL -- JSON: list of Effect
) STRICT;

CREATE TABLE attempts (
    run          INTEGER NOT NULL REFERENCES runs (position) ON DELETE CASCADE,
    attempt      INTEGER NOT NULL,
    handle       TEXT,                       -- JSON; the engine's own
    last_message INTEGER NOT NULL DEFAULT 0, -- newest message taken from the learner
    opened_at    INTEGER NOT NULL,           -- slots were given
    ended_at     INTEGER,                    -- slots were taken back
    closed       INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1)), -- takes no token any more
    PRIMARY KEY (run, attempt)
) STRICT, WITHOUT ROWID;

-- Learners' tokens, by SHA-256: the tokens themselves are nowhere.
CREATE TABLE attempt_tokens (
    hash    BLOB    PRIMARY KEY,
    run     INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    FOREIGN KEY (run, attempt) REFERENCES attempts (run, attempt) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX attempt_tokens_by_attempt ON attempt_tokens (run, attempt);

-- Users' tokens, by SHA-256.
CREATE TABLE tokens (
    hash    BLOB PRIMARY KEY,
    user    TEXT NOT NULL,
    access  TEXT NOT NULL CHECK (access IN ('read', 'write')),
    expires INTEGER -- NULL: never
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_by_expiry ON tokens (expires) WHERE expires IS NOT NULL;

-- Stored training definitions. The document may name connections with their
-- credentials, so all of it is sealed.
CREATE TABLE definitions (
    position   INTEGER PRIMARY KEY AUTOINCREMENT,
    id         BLOB    NOT NULL UNIQUE, -- UUID
    owner      TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    key_id     TEXT    NOT NULL,
    nonce      BLOB    NOT NULL,
    ciphertext BLOB    NOT NULL,
    content    TEXT, -- SHA-256 of the zip, hex; NULL until it is put
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX definitions_by_content ON definitions (content);
CREATE INDEX definitions_by_owner ON definitions (owner);

-- Stored models, experiments and experiments' runs: documents of users, which may name
-- connections with their credentials, so all of each is sealed.

CREATE TABLE documents (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    id          BLOB    NOT NULL UNIQUE, -- UUID
    kind        TEXT    NOT NULL CHECK (kind IN ('model', 'experiment', 'experiment_run')),
    parent      BLOB    REFERENCES documents (id) ON DELETE CASCADE, -- a run's experiment
    owner       TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    key_id      TEXT    NOT NULL,
    nonce       BLOB    NOT NULL,
    ciphertext  BLOB    NOT NULL,
    -- How it stands: JSON of the kind's own state. Holds no secret.
    state       TEXT    NOT NULL,
    settled     INTEGER NOT NULL CHECK (settled IN (0, 1)), -- nothing is left to be done
    created_at  INTEGER NOT NULL,
    modified_at INTEGER NOT NULL
) STRICT;

-- An index ends with the row's position, so each of these is in list order.
CREATE INDEX documents_by_owner ON documents (kind, owner);
CREATE INDEX documents_by_parent ON documents (parent) WHERE parent IS NOT NULL;
CREATE INDEX documents_unsettled ON documents (kind) WHERE settled = 0;

-- The trainings of experiments' runs.
CREATE TABLE trainings (
    experiment_run BLOB    NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    reference      INTEGER NOT NULL, -- which of the experiment's references, from 0
    trial          INTEGER NOT NULL, -- of a search, from 0; -1: the reference's own row
    run            TEXT    NOT NULL UNIQUE, -- the id of its run, which may not be there yet
    code           TEXT, -- SHA-256 of the zip, hex; in the reference's own row
    seed           INTEGER, -- of a search; in the reference's own row
    parameters     TEXT, -- JSON: what a trial was given
    submitted_at   INTEGER NOT NULL,
    begun          INTEGER NOT NULL DEFAULT 0 CHECK (begun IN (0, 1)), -- its run was submitted
    ended_at       INTEGER,
    outcome        TEXT, -- JSON: TrainingOutcome; NULL while it has not ended
    PRIMARY KEY (experiment_run, reference, trial)
) STRICT, WITHOUT ROWID;

CREATE INDEX trainings_by_code ON trainings (code) WHERE code IS NOT NULL;

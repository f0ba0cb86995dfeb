-- Who may log in, with what, and what they have in common.

CREATE TABLE users (
    name       TEXT PRIMARY KEY,
    password   TEXT    NOT NULL, -- PHC string of Argon2id
    access     TEXT    NOT NULL CHECK (access IN ('read', 'write')),
    created_at INTEGER NOT NULL,
    -- The row stays: what the user left behind is still theirs, and nobody may take the name.
    removed_at INTEGER
) STRICT, WITHOUT ROWID;

-- API keys are tokens that do not expire; here is only what they are called.
CREATE TABLE api_keys (
    user       TEXT    NOT NULL REFERENCES users (name),
    name       TEXT    NOT NULL,
    hash       BLOB    NOT NULL UNIQUE, -- SHA-256, as in tokens
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_by_user ON tokens (user);

CREATE TABLE instances (
    id         BLOB    PRIMARY KEY, -- UUID
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE instance_members (
    instance BLOB NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
    user     TEXT NOT NULL,
    PRIMARY KEY (instance, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX instance_members_by_user ON instance_members (user);

-- Directories, what came from them, and their runs.

-- `config` and `state` are JSON; `password` is sealed under the settings' key.
CREATE TABLE directory (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    config TEXT NOT NULL,
    password TEXT,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (tenant, name_key)
) STRICT;

-- What the last run knew of each entry. `account` is NULL for what was not taken over;
-- `addresses` is a JSON list.
CREATE TABLE directory_entry (
    directory INTEGER NOT NULL REFERENCES directory (row),
    key TEXT NOT NULL,
    account INTEGER REFERENCES account (row),
    dn TEXT NOT NULL,
    addresses TEXT NOT NULL,
    disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    stamp TEXT NOT NULL,
    PRIMARY KEY (directory, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX directory_entry_account ON directory_entry (account) WHERE account IS NOT NULL;

CREATE TABLE directory_run (
    row INTEGER PRIMARY KEY,
    directory INTEGER NOT NULL REFERENCES directory (row),
    begun_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    "trigger" TEXT NOT NULL CHECK ("trigger" IN ('person', 'schedule')),
    "full" INTEGER NOT NULL CHECK ("full" IN (0, 1)),
    outcome TEXT NOT NULL CHECK (outcome IN ('applied', 'failed', 'held-back')),
    counts TEXT NOT NULL,
    problems TEXT NOT NULL,
    problems_total INTEGER NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX directory_run_directory ON directory_run (directory);

-- Matters and their legal holds; what people take out of the archive or send back.
-- `detail` is JSON. None of this stands in the vault's mail.
CREATE TABLE matter (
    row INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    detail TEXT NOT NULL,
    UNIQUE (tenant, name_key)
) STRICT;

-- Complete through `through_seq`: what the ledger names after it is not looked at yet.
CREATE TABLE legal_hold (
    row INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    matter INTEGER NOT NULL REFERENCES matter (row),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    through_seq INTEGER NOT NULL DEFAULT 0,
    found INTEGER NOT NULL DEFAULT 0,
    released_at INTEGER,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX legal_hold_matter ON legal_hold (matter);
CREATE INDEX legal_hold_active ON legal_hold (tenant) WHERE released_at IS NULL;

-- By the record's id, which a rebuild gives it again.
CREATE TABLE held_record (
    hold INTEGER NOT NULL REFERENCES legal_hold (row),
    record BLOB NOT NULL CHECK (length(record) = 16),
    PRIMARY KEY (hold, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX held_record_record ON held_record (record);

-- Exports and restores; `secret` is sealed. `account` is empty for the command line.
CREATE TABLE mail_job (
    row INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    kind TEXT NOT NULL CHECK (kind IN ('export', 'restore')),
    account BLOB CHECK (length(account) = 16),
    by TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('cancelled', 'done', 'failed', 'removed', 'running', 'waiting')),
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    expires_at INTEGER,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    request TEXT NOT NULL,
    result TEXT NOT NULL,
    secret TEXT
) STRICT;
CREATE INDEX mail_job_tenant ON mail_job (tenant, row);
CREATE INDEX mail_job_open ON mail_job (row) WHERE state IN ('running', 'waiting');

-- What of a restore is through: not done again after a crash.
CREATE TABLE mail_job_record (
    job INTEGER NOT NULL REFERENCES mail_job (row),
    record BLOB NOT NULL CHECK (length(record) = 16),
    PRIMARY KEY (job, record)
) STRICT, WITHOUT ROWID;

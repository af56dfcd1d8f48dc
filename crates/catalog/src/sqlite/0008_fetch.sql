-- Sources that are fetched: how they are reached, how far they are read, what was left, runs.

-- A further kind of source.
CREATE TABLE source_8 (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    kind TEXT NOT NULL CHECK (kind IN ('fetch', 'import', 'smtp')),
    name TEXT NOT NULL,
    address TEXT,
    address_key TEXT UNIQUE,
    rules TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
    created_at INTEGER NOT NULL,
    ends_at INTEGER,
    successor BLOB CHECK (length(successor) = 16)
) STRICT, WITHOUT ROWID;
INSERT INTO source_8 (id, tenant, kind, name, address, address_key, rules, state, created_at,
        ends_at, successor)
    SELECT id, tenant, kind, name, address, address_key, rules, state, created_at, ends_at,
        successor
    FROM source;
DROP TABLE source;
ALTER TABLE source_8 RENAME TO source;
CREATE INDEX source_tenant ON source (tenant);

-- `config`, `secrets` (each sealed under the settings' key) and `state` are JSON.
CREATE TABLE fetch_source (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE REFERENCES source (id),
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    config TEXT NOT NULL,
    secrets TEXT NOT NULL,
    state TEXT NOT NULL
) STRICT;
CREATE INDEX fetch_source_tenant ON fetch_source (tenant);

-- How far a folder is read; `done` is a set of numbers such as `1:4,7`.
CREATE TABLE fetch_folder (
    fetch INTEGER NOT NULL REFERENCES fetch_source (row),
    mailbox TEXT NOT NULL,
    folder TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid_next INTEGER,
    modseq INTEGER,
    done TEXT NOT NULL,
    PRIMARY KEY (fetch, mailbox, folder)
) STRICT, WITHOUT ROWID;

-- What the archive has of mail that stays on a POP3 server.
CREATE TABLE fetch_uidl (
    fetch INTEGER NOT NULL REFERENCES fetch_source (row),
    mailbox TEXT NOT NULL,
    uidl TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (fetch, mailbox, uidl)
) STRICT, WITHOUT ROWID;

-- Mail that stays on its server, and why. `key` is a number, or `uidl …`.
CREATE TABLE fetch_left (
    row INTEGER PRIMARY KEY,
    fetch INTEGER NOT NULL REFERENCES fetch_source (row),
    mailbox TEXT NOT NULL,
    folder TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    key TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    reason TEXT NOT NULL
        CHECK (reason IN ('failed', 'given-up', 'not-selected', 'too-large')),
    detail TEXT NOT NULL,
    tries INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    next_at INTEGER,
    UNIQUE (fetch, mailbox, folder, uid_validity, key)
) STRICT;

CREATE TABLE fetch_run (
    row INTEGER PRIMARY KEY,
    fetch INTEGER NOT NULL REFERENCES fetch_source (row),
    begun_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    "trigger" TEXT NOT NULL CHECK ("trigger" IN ('person', 'schedule')),
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'failed', 'stopped')),
    counts TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    mailboxes_failed INTEGER NOT NULL,
    error TEXT,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX fetch_run_fetch ON fetch_run (fetch);

-- Reports of completeness; `counts` and `named` are JSON.
CREATE TABLE fetch_reconciliation (
    row INTEGER PRIMARY KEY,
    fetch INTEGER NOT NULL REFERENCES fetch_source (row),
    begun_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    by TEXT NOT NULL,
    listed INTEGER NOT NULL,
    present INTEGER NOT NULL,
    missing INTEGER NOT NULL,
    counts TEXT NOT NULL,
    named TEXT NOT NULL,
    detail TEXT NOT NULL,
    ledger_seq INTEGER
) STRICT;
CREATE INDEX fetch_reconciliation_fetch ON fetch_reconciliation (fetch);

-- Which mail of a mailbox a delivery was.
CREATE INDEX delivery_fetched ON delivery (
    json_extract(source, '$.id'), json_extract(source, '$.uid'))
    WHERE json_extract(source, '$.kind') = 'fetched';

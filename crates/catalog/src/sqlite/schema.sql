-- Times are microseconds since 1970 in UTC, ids and digests are blobs, lists are JSON.
CREATE TABLE tenant (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
    organisations TEXT NOT NULL,
    archive_domains TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Counters beside the tenant, written once per batch. `seq` is the last ledger event.
CREATE TABLE figures (
    tenant INTEGER PRIMARY KEY REFERENCES tenant (row),
    seq INTEGER NOT NULL DEFAULT 0,
    records INTEGER NOT NULL DEFAULT 0,
    deliveries INTEGER NOT NULL DEFAULT 0,
    reports INTEGER NOT NULL DEFAULT 0,
    merged INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0,
    raw_bytes INTEGER NOT NULL DEFAULT 0,
    mail_bytes INTEGER NOT NULL DEFAULT 0,
    parts INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE source (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    kind TEXT NOT NULL CHECK (kind IN ('import', 'smtp')),
    name TEXT NOT NULL,
    address TEXT,
    address_key TEXT UNIQUE,
    rules TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX source_tenant ON source (tenant);

CREATE TABLE setting (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    tenant INTEGER REFERENCES tenant (row),
    user_name TEXT NOT NULL,
    user_key TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('administrator', 'auditor', 'operator', 'user')),
    password_hash TEXT,
    must_change_password INTEGER NOT NULL CHECK (must_change_password IN (0, 1)),
    disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    language TEXT,
    created_at INTEGER NOT NULL,
    CHECK ((tenant IS NULL) = (role = 'operator'))
) STRICT;
CREATE INDEX account_tenant ON account (tenant);

-- Who owned an address when. NULL is without beginning, without end.
CREATE TABLE account_address (
    row INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (row),
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    key TEXT NOT NULL,
    valid_from INTEGER,
    valid_until INTEGER
) STRICT;
CREATE INDEX account_address_account ON account_address (account, key);
CREATE INDEX account_address_key ON account_address (tenant, key);
CREATE UNIQUE INDEX account_address_now ON account_address (tenant, key) WHERE valid_until IS NULL;

CREATE TABLE session (
    token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    account INTEGER NOT NULL REFERENCES account (row),
    csrf TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ip TEXT,
    agent TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_account ON session (account);

CREATE TABLE throttle (
    key TEXT PRIMARY KEY,
    attempts INTEGER NOT NULL,
    next_allowed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE place (
    account INTEGER NOT NULL REFERENCES account (row),
    place TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account, place)
) STRICT, WITHOUT ROWID;

-- Every address that occurs in a tenant's mail, once; `text` as it was first written.
CREATE TABLE address (
    row INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    key TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (tenant, key)
) STRICT;

CREATE TABLE record (
    row INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    id BLOB NOT NULL CHECK (length(id) = 16),
    content BLOB NOT NULL CHECK (length(content) = 32),
    decrypted BLOB CHECK (length(decrypted) = 32),
    message_id TEXT,
    message_hash INTEGER,
    subject TEXT NOT NULL,
    from_name TEXT,
    from_address TEXT,
    to_display TEXT NOT NULL,
    sent_at INTEGER,
    date INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    attachments INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    shape INTEGER NOT NULL,
    marks TEXT NOT NULL,
    pack INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    UNIQUE (tenant, id)
) STRICT;
CREATE INDEX record_tenant ON record (tenant);
CREATE INDEX record_message ON record (tenant, message_hash) WHERE message_hash IS NOT NULL;

-- The ledger: gapless numbers per tenant, never changed. Also the index's cursor.
CREATE TABLE ledger_event (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    record INTEGER,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, seq)
) STRICT, WITHOUT ROWID;

-- One archived submission; `seq` is its ledger event.
CREATE TABLE delivery (
    row INTEGER PRIMARY KEY,
    record INTEGER NOT NULL REFERENCES record (row),
    seq INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    shape INTEGER NOT NULL,
    report BLOB CHECK (length(report) = 32),
    report_size_bytes INTEGER,
    variant INTEGER,
    originator_org TEXT,
    source TEXT NOT NULL,
    envelope TEXT,
    pack INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    UNIQUE (record, report)
) STRICT;

-- The key keeps a re-delivery from doubling anyone. 0 in `expanded` and `forwarded` is nobody;
-- `text` only where the address was written otherwise than in `address`.
CREATE TABLE participant (
    record INTEGER NOT NULL REFERENCES record (row),
    address INTEGER NOT NULL REFERENCES address (row),
    role INTEGER NOT NULL,
    provenance INTEGER NOT NULL,
    expanded INTEGER NOT NULL,
    forwarded INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    position INTEGER NOT NULL,
    text TEXT,
    PRIMARY KEY (record, address, role, provenance, expanded, forwarded)
) STRICT, WITHOUT ROWID;
CREATE INDEX participant_address ON participant (address, record);

CREATE TABLE part (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    content BLOB NOT NULL CHECK (length(content) = 32),
    pack INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    PRIMARY KEY (tenant, content)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    row INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    id BLOB NOT NULL CHECK (length(id) = 16),
    content BLOB NOT NULL CHECK (length(content) = 32),
    reason_code TEXT NOT NULL,
    reason_detail TEXT NOT NULL,
    originator_org TEXT,
    received_at INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    source TEXT NOT NULL,
    envelope TEXT,
    pack INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('released', 'retried', 'waiting')),
    decided_at INTEGER,
    decided_by TEXT,
    decided_reason TEXT,
    UNIQUE (tenant, id)
) STRICT;
CREATE INDEX quarantine_state ON quarantine (tenant, state);

CREATE TABLE audit (
    row INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    tenant INTEGER REFERENCES tenant (row),
    account BLOB CHECK (length(account) = 16),
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    reason TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('denied', 'done', 'failed')),
    ip TEXT
) STRICT;
CREATE INDEX audit_tenant ON audit (tenant);

CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER ledger_is_kept BEFORE DELETE ON ledger_event
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger_event
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

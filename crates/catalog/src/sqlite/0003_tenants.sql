-- Domains, ways in, figures over time.

-- `settings` is JSON. A removed tenant keeps its row, so that the audit log can name it.
CREATE TABLE tenant_3 (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('active', 'removed', 'removing', 'suspended')),
    organisations TEXT NOT NULL,
    archive_domains TEXT NOT NULL,
    settings TEXT NOT NULL,
    removal TEXT,
    created_at INTEGER NOT NULL
) STRICT;
INSERT INTO tenant_3 (row, id, name, name_key, state, organisations, archive_domains, settings,
        created_at)
    SELECT row, id, name, name_key, state, organisations, archive_domains, '{}', created_at
    FROM tenant;
DROP TABLE tenant;
ALTER TABLE tenant_3 RENAME TO tenant;

-- The domains whose mail a tenant archives: A-labels in lower case.
CREATE TABLE domain (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    name TEXT NOT NULL,
    subdomains INTEGER NOT NULL CHECK (subdomains IN (0, 1)),
    added_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- A rotated journal address takes mail until `ends_at`; `successor` is the source in its place.
ALTER TABLE source ADD COLUMN ends_at INTEGER;
ALTER TABLE source ADD COLUMN successor BLOB CHECK (length(successor) = 16);

CREATE TABLE quarantine_3 (
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
    state TEXT NOT NULL CHECK (state IN ('discarded', 'released', 'retried', 'waiting')),
    decided_at INTEGER,
    decided_by TEXT,
    decided_reason TEXT,
    UNIQUE (tenant, id)
) STRICT;
INSERT INTO quarantine_3 SELECT * FROM quarantine;
DROP TABLE quarantine;
ALTER TABLE quarantine_3 RENAME TO quarantine;
CREATE INDEX quarantine_state ON quarantine (tenant, state, reason_code);
CREATE INDEX quarantine_decided ON quarantine (tenant, decided_at) WHERE decided_at IS NOT NULL;

-- How many wait for each reason.
CREATE TABLE quarantine_count (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    reason_code TEXT NOT NULL,
    waiting INTEGER NOT NULL,
    PRIMARY KEY (tenant, reason_code)
) STRICT, WITHOUT ROWID;
INSERT INTO quarantine_count
    SELECT tenant, reason_code, count(*) FROM quarantine WHERE state = 'waiting' GROUP BY 1, 2;

-- Mail that was left out because none of its accounts is selected.
ALTER TABLE figures ADD COLUMN not_selected INTEGER NOT NULL DEFAULT 0;

-- Mails and octets that name an address, so that large mailboxes are found.
ALTER TABLE address ADD COLUMN mails INTEGER NOT NULL DEFAULT 0;
ALTER TABLE address ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;

-- What came in, by source: a journal address's id, or 16 zero bytes for all imports. `at` counts
-- hours or days since 1970.
CREATE TABLE history_hour (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    at INTEGER NOT NULL,
    source BLOB NOT NULL CHECK (length(source) = 16),
    mails INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    not_selected INTEGER NOT NULL,
    PRIMARY KEY (tenant, at, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE history_day (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    at INTEGER NOT NULL,
    source BLOB NOT NULL CHECK (length(source) = 16),
    mails INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    not_selected INTEGER NOT NULL,
    PRIMARY KEY (tenant, at, source)
) STRICT, WITHOUT ROWID;

-- The same of all tenants together.
CREATE TABLE total_hour (
    at INTEGER PRIMARY KEY,
    mails INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    not_selected INTEGER NOT NULL
) STRICT;
CREATE TABLE total_day (
    at INTEGER PRIMARY KEY,
    mails INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    not_selected INTEGER NOT NULL
) STRICT;

-- What a source brought since it was made.
CREATE TABLE source_figures (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    source BLOB NOT NULL CHECK (length(source) = 16),
    mails INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    reports INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    not_selected INTEGER NOT NULL,
    last_at INTEGER,
    last_report_at INTEGER,
    PRIMARY KEY (tenant, source)
) STRICT, WITHOUT ROWID;

-- Long work: exports, removals, quarantine in bulk. Not about mail; `tenant` names whose it is.
CREATE TABLE job (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    tenant BLOB CHECK (length(tenant) = 16),
    kind TEXT NOT NULL,
    by TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    ended_at INTEGER,
    state TEXT NOT NULL CHECK (state IN ('cancelled', 'done', 'failed', 'interrupted', 'running')),
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX job_tenant ON job (tenant, row);

-- The ledger of a tenant goes only with the whole tenant.
DROP TRIGGER ledger_is_kept;
CREATE TRIGGER ledger_is_kept BEFORE DELETE ON ledger_event
WHEN NOT EXISTS (SELECT 1 FROM tenant WHERE row = OLD.tenant AND state = 'removing')
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

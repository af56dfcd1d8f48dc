-- Notifications and what else the running server remembers. Tenants and sources are named by their
-- ids: a removed one leaves rows that the next look removes.
CREATE TABLE condition (
    code TEXT NOT NULL,
    tenant BLOB NOT NULL CHECK (length(tenant) IN (0, 16)),
    object TEXT NOT NULL,
    level INTEGER NOT NULL,
    since INTEGER NOT NULL,
    told INTEGER NOT NULL CHECK (told IN (0, 1)),
    facts TEXT NOT NULL,
    PRIMARY KEY (code, tenant, object)
) STRICT, WITHOUT ROWID;

CREATE TABLE notice (
    row INTEGER PRIMARY KEY,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    error TEXT
) STRICT;
CREATE INDEX notice_next ON notice (next_at);

CREATE TABLE sighting (
    source BLOB NOT NULL CHECK (length(source) = 16),
    kind TEXT NOT NULL CHECK (kind IN ('report', 'validation')),
    last_at INTEGER NOT NULL,
    PRIMARY KEY (source, kind)
) STRICT, WITHOUT ROWID;

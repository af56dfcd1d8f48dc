-- Second factors, sign-in services, tokens.
ALTER TABLE session ADD COLUMN method TEXT NOT NULL DEFAULT 'password'
    CHECK (method IN ('directory', 'passkey', 'password', 'provider'));
ALTER TABLE session ADD COLUMN must_enrol INTEGER NOT NULL DEFAULT 0 CHECK (must_enrol IN (0, 1));
-- For signing out at the provider, sealed.
ALTER TABLE session ADD COLUMN provider_session TEXT;

-- How accounts of a tenant sign in; NULL: operators.
CREATE TABLE sign_in_policy (
    tenant INTEGER UNIQUE REFERENCES tenant (row) ON DELETE CASCADE,
    policy TEXT NOT NULL
) STRICT;

CREATE TABLE provider (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    tenant INTEGER REFERENCES tenant (row) ON DELETE CASCADE,
    name TEXT NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    settings TEXT NOT NULL,
    secret TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX provider_tenant ON provider (tenant);

-- Who an account is at a provider.
CREATE TABLE provider_subject (
    provider INTEGER NOT NULL REFERENCES provider (row) ON DELETE CASCADE,
    subject TEXT NOT NULL,
    account INTEGER NOT NULL REFERENCES account (row) ON DELETE CASCADE,
    created INTEGER NOT NULL CHECK (created IN (0, 1)),
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (provider, subject),
    UNIQUE (provider, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX provider_subject_account ON provider_subject (account);

CREATE TABLE totp (
    account INTEGER PRIMARY KEY REFERENCES account (row) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    last_step INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE passkey (
    id BLOB PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (row) ON DELETE CASCADE,
    name TEXT NOT NULL,
    credential TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX passkey_account ON passkey (account);

CREATE TABLE recovery_code (
    account INTEGER NOT NULL REFERENCES account (row) ON DELETE CASCADE,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_token (
    id BLOB PRIMARY KEY CHECK (length(id) = 16),
    token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    account INTEGER NOT NULL REFERENCES account (row) ON DELETE CASCADE,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    scopes TEXT NOT NULL,
    read_only INTEGER NOT NULL CHECK (read_only IN (0, 1)),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_token_account ON api_token (account);

-- What may be used once and was: answers of providers, challenges.
CREATE TABLE spent (
    key BLOB PRIMARY KEY CHECK (length(key) = 32),
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

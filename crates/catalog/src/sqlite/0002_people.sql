-- Accounts, mailboxes, groups, grants.

-- A compliance officer's role, names, shared mailboxes, accounts from directories.
-- `search_key` is what lists are filtered by: user name and names in lower case.
CREATE TABLE account_with_names (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    tenant INTEGER REFERENCES tenant (row),
    user_name TEXT NOT NULL,
    user_key TEXT NOT NULL UNIQUE,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    search_key TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('person', 'shared')),
    role TEXT NOT NULL
        CHECK (role IN ('administrator', 'auditor', 'officer', 'operator', 'user')),
    archived INTEGER NOT NULL CHECK (archived IN (0, 1)),
    directory BLOB CHECK (length(directory) = 16),
    external_key TEXT,
    password_hash TEXT,
    must_change_password INTEGER NOT NULL CHECK (must_change_password IN (0, 1)),
    disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    language TEXT,
    created_at INTEGER NOT NULL,
    CHECK ((tenant IS NULL) = (role = 'operator')),
    CHECK ((directory IS NULL) = (external_key IS NULL)),
    CHECK (kind = 'person' OR (role = 'user' AND password_hash IS NULL)),
    UNIQUE (directory, external_key)
) STRICT;
INSERT INTO account_with_names
SELECT row, id, tenant, user_name, user_key, '', '', display_name,
    user_key || ' ' || lower(display_name), 'person', role, 1, NULL, NULL, password_hash,
    must_change_password, disabled, language, created_at
FROM account;
DROP TABLE account;
ALTER TABLE account_with_names RENAME TO account;
CREATE INDEX account_tenant ON account (tenant, user_key);

CREATE TABLE account_group (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    directory BLOB CHECK (length(directory) = 16),
    external_key TEXT,
    created_at INTEGER NOT NULL,
    CHECK ((directory IS NULL) = (external_key IS NULL)),
    UNIQUE (directory, external_key)
) STRICT;
CREATE INDEX account_group_tenant ON account_group (tenant, name_key);
CREATE UNIQUE INDEX account_group_name ON account_group (tenant, name_key)
    WHERE directory IS NULL;

CREATE TABLE group_member (
    grp INTEGER NOT NULL REFERENCES account_group (row),
    account INTEGER NOT NULL REFERENCES account (row),
    PRIMARY KEY (grp, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_member_account ON group_member (account);

-- `mailbox` NULL is the whole tenant. Ends are NULL for none. Rows stay when the grant has ended;
-- `grp` is the id of a group, which may be gone: then the grant is revoked.
CREATE TABLE access_grant (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    account INTEGER REFERENCES account (row),
    grp BLOB CHECK (length(grp) = 16),
    mailbox INTEGER REFERENCES account (row),
    kind TEXT NOT NULL CHECK (kind IN ('audit', 'deputy', 'leaver', 'shared')),
    valid_from INTEGER,
    valid_until INTEGER,
    mail_from INTEGER,
    mail_until INTEGER,
    reason TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at INTEGER NOT NULL,
    revoked_at INTEGER,
    revoked_by TEXT,
    CHECK ((account IS NULL) <> (grp IS NULL)),
    CHECK (mailbox IS NOT NULL OR (account IS NOT NULL AND kind = 'audit')),
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
) STRICT;
-- Before there were grants, auditors saw the whole tenant.
INSERT INTO access_grant (id, tenant, account, mailbox, kind, reason, granted_by, granted_at)
SELECT randomblob(16), tenant, row, NULL, 'audit', 'auditor since before grants', 'upgrade',
    created_at
FROM account WHERE role = 'auditor';
CREATE INDEX access_grant_tenant ON access_grant (tenant);
CREATE INDEX access_grant_account ON access_grant (account);
CREATE INDEX access_grant_group ON access_grant (grp);
CREATE INDEX access_grant_mailbox ON access_grant (mailbox);

-- Four eyes. `mailboxes` is a JSON list of account ids, NULL for the whole tenant; `decisions` is
-- what persons decided so far.
CREATE TABLE access_request (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    requester INTEGER NOT NULL REFERENCES account (row),
    mailboxes TEXT,
    mail_from INTEGER,
    mail_until INTEGER,
    reason TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('approved', 'asked', 'rejected', 'revoked')),
    decisions TEXT NOT NULL
) STRICT;
CREATE INDEX access_request_tenant ON access_request (tenant);
CREATE INDEX access_request_requester ON access_request (requester, state);

-- Whose mail an approval opened, and when they were told of it.
CREATE TABLE access_concerned (
    request INTEGER NOT NULL REFERENCES access_request (row),
    account INTEGER NOT NULL REFERENCES account (row),
    told_at INTEGER,
    PRIMARY KEY (request, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_concerned_waiting ON access_concerned (request) WHERE told_at IS NULL;

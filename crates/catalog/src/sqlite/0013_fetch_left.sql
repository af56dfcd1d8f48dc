-- A mail that the archive has may also be left because its server would not remove it.
CREATE TABLE fetch_left_new (
    row INTEGER PRIMARY KEY,
    fetch INTEGER NOT NULL REFERENCES fetch_source (row),
    mailbox TEXT NOT NULL,
    folder TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    key TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    reason TEXT NOT NULL
        CHECK (reason IN ('failed', 'given-up', 'not-removed', 'not-selected', 'too-large')),
    detail TEXT NOT NULL,
    tries INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    next_at INTEGER,
    UNIQUE (fetch, mailbox, folder, uid_validity, key)
) STRICT;

INSERT INTO fetch_left_new SELECT row, fetch, mailbox, folder, uid_validity, key, size_bytes,
    reason, detail, tries, first_at, next_at FROM fetch_left;
DROP TABLE fetch_left;
ALTER TABLE fetch_left_new RENAME TO fetch_left;

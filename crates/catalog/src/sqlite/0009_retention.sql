-- How long mail is kept, who let which of it be destroyed, and what is left of that.

-- `draft` is JSON. A version is never changed.
CREATE TABLE retention_set (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    version INTEGER NOT NULL,
    draft TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, version)
) STRICT, WITHOUT ROWID;

-- Classes of which nothing is disposed for the time being ("tax hold").
CREATE TABLE retention_suspension (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    class TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    begun_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    ended_at INTEGER,
    ended_by TEXT,
    end_reason TEXT,
    PRIMARY KEY (tenant, class, begun_at)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX retention_suspension_active ON retention_suspension (tenant, class)
    WHERE ended_at IS NULL;

-- What somebody wants to know of all mail: what the policies in force come to, or what a draft
-- would. `result` is JSON.
CREATE TABLE retention_survey (
    row INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    draft TEXT,
    asked_by TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    ended_at INTEGER,
    result TEXT,
    error TEXT
) STRICT;
CREATE INDEX retention_survey_tenant ON retention_survey (tenant);
CREATE INDEX retention_survey_waiting ON retention_survey (row) WHERE ended_at IS NULL;

-- What persons said of single mails; by the record's id, which a rebuild gives it again.
CREATE TABLE record_label (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    record BLOB NOT NULL CHECK (length(record) = 16),
    kind TEXT NOT NULL CHECK (kind IN ('class', 'tag')),
    value TEXT NOT NULL,
    said_by TEXT NOT NULL,
    said_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, record, kind, value)
) STRICT, WITHOUT ROWID;

-- What is not archived: all rules of a tenant in one JSON list, replaced as a whole.
CREATE TABLE exclusion (
    tenant INTEGER PRIMARY KEY REFERENCES tenant (row),
    rules TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

-- `detail` is JSON.
CREATE TABLE disposal_run (
    row INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    state TEXT NOT NULL
        CHECK (state IN ('done', 'proposed', 'proposing', 'rejected', 'running', 'withdrawn')),
    detail TEXT NOT NULL,
    items INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    disposed INTEGER NOT NULL DEFAULT 0,
    kept INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX disposal_run_tenant ON disposal_run (tenant);
CREATE INDEX disposal_run_open ON disposal_run (state, row)
    WHERE state IN ('proposing', 'running');

CREATE TABLE disposal_item (
    run INTEGER NOT NULL REFERENCES disposal_run (row),
    record BLOB NOT NULL CHECK (length(record) = 16),
    state TEXT NOT NULL CHECK (state IN ('disposed', 'kept', 'waiting')),
    verdict TEXT,
    received_at INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    why TEXT,
    PRIMARY KEY (run, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX disposal_item_waiting ON disposal_item (run, record) WHERE state = 'waiting';

-- What is left of a record: `seq` is the event of the ledger that certifies its end.
CREATE TABLE disposed (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    record BLOB NOT NULL CHECK (length(record) = 16),
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    ground TEXT NOT NULL CHECK (ground IN ('court-order', 'period-over', 'right-to-erasure')),
    run BLOB NOT NULL CHECK (length(run) = 16),
    PRIMARY KEY (tenant, record)
) STRICT, WITHOUT ROWID;

-- Keys that are to be erased: their entries belong to nothing any more.
CREATE TABLE disposal_erasure (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    pack INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    record BLOB NOT NULL CHECK (length(record) = 16),
    PRIMARY KEY (tenant, pack, slot)
) STRICT, WITHOUT ROWID;

-- Who needs a part; `part` is the beginning of its content id. Two parts may share it, which only
-- keeps one of them longer.
CREATE TABLE part_use (
    record INTEGER NOT NULL REFERENCES record (row),
    part INTEGER NOT NULL,
    PRIMARY KEY (record, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX part_use_part ON part_use (part, record);
CREATE TABLE quarantine_part_use (
    quarantine INTEGER NOT NULL REFERENCES quarantine (row),
    part INTEGER NOT NULL,
    PRIMARY KEY (quarantine, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX quarantine_part_use_part ON quarantine_part_use (part);

-- Mail that came before the use of parts was written down: looked up before anything is disposed.
CREATE TABLE record_parts_unknown (
    record INTEGER PRIMARY KEY REFERENCES record (row)
) STRICT;
INSERT INTO record_parts_unknown SELECT row FROM record;
CREATE TABLE quarantine_parts_unknown (
    quarantine INTEGER PRIMARY KEY REFERENCES quarantine (row)
) STRICT;
INSERT INTO quarantine_parts_unknown SELECT row FROM quarantine WHERE state <> 'discarded';

-- Rows of records are not used again: the ledger names them.
CREATE TABLE record_floor (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    row INTEGER NOT NULL
) STRICT;

-- Whether another mail still names an address as a group or a forwarder.
CREATE INDEX participant_expanded ON participant (expanded) WHERE expanded <> 0;
CREATE INDEX participant_forwarded ON participant (forwarded) WHERE forwarded <> 0;

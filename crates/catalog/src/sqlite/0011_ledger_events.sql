-- Events of the ledger that are not about the arrival of a mail. `note` is what the event says, in
-- JSON, until the vault has it.
CREATE TABLE ledger_note (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    seq INTEGER NOT NULL,
    note BLOB,
    pack INTEGER,
    slot INTEGER,
    offset INTEGER,
    length INTEGER,
    PRIMARY KEY (tenant, seq),
    CHECK ((note IS NULL) <> (pack IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_note_waiting ON ledger_note (tenant, seq) WHERE note IS NOT NULL;

-- The leaves of mail whose entries were erased.
CREATE TABLE ledger_kept (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    seq INTEGER NOT NULL,
    leaf BLOB NOT NULL CHECK (length(leaf) = 32),
    PRIMARY KEY (tenant, seq)
) STRICT, WITHOUT ROWID;

-- How far the audit log was read for the ledger: the row of its last event.
CREATE TABLE ledger_reading (
    tenant INTEGER PRIMARY KEY REFERENCES tenant (row),
    audit INTEGER NOT NULL
) STRICT;

-- What became of a batch after its first stamp; `proof_…` is the place of the last renewal's note.
ALTER TABLE sealed_batch ADD COLUMN digest TEXT NOT NULL DEFAULT 'sha256';
ALTER TABLE sealed_batch ADD COLUMN renewed_at INTEGER;
ALTER TABLE sealed_batch ADD COLUMN proof_pack INTEGER;
ALTER TABLE sealed_batch ADD COLUMN proof_slot INTEGER;
ALTER TABLE sealed_batch ADD COLUMN proof_offset INTEGER;
ALTER TABLE sealed_batch ADD COLUMN proof_length INTEGER;
CREATE INDEX sealed_batch_end ON sealed_batch (tenant, valid_until) WHERE stamped_at IS NOT NULL;

-- How far the scrub of a tenant is: JSON. `wanted`: a person asked for a pass now.
CREATE TABLE scrub (
    tenant INTEGER PRIMARY KEY REFERENCES tenant (row),
    state TEXT NOT NULL,
    wanted INTEGER NOT NULL CHECK (wanted IN (0, 1))
) STRICT;

-- Monthly completeness reports as they were signed; `seq` is their event of the ledger.
CREATE TABLE completeness_report (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    month TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    report TEXT NOT NULL,
    seal BLOB NOT NULL,
    PRIMARY KEY (tenant, month)
) STRICT, WITHOUT ROWID;

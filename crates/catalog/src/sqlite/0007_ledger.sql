-- Spans of the ledger that are sealed; the seals are notes in the vault.
CREATE TABLE sealed_batch (
    tenant INTEGER NOT NULL REFERENCES tenant (row),
    number INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    sealed_at INTEGER NOT NULL,
    stamped_at INTEGER,
    valid_until INTEGER,
    pack INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    PRIMARY KEY (tenant, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX sealed_batch_first ON sealed_batch (tenant, first_seq);

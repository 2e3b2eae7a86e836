-- +goose Up
-- What shows that nobody has changed the audit trail. An entry gets its number once no transaction that began before its
-- own is open any more, so that numbers have no holes, and its leaf in the account's tree (RFC 6962). What was written
-- before this migration is numbered too: all of it bears the migration's own transaction.
ALTER TABLE cloakroom.audit_entries ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX audit_entries_by_transaction ON cloakroom.audit_entries (account_id, xid, entry_id);

-- Written once, never changed.
CREATE TABLE cloakroom.audit_leaves (
    account_id bigint NOT NULL,
    seq        bigint NOT NULL, -- from 0
    entry_id   bigint NOT NULL,
    leaf_hash  bytea  NOT NULL CHECK (octet_length(leaf_hash) = 32),
    marks      bytea  NOT NULL, -- four bytes of the hash of each group of columns: says which one is another than it was
    PRIMARY KEY (account_id, seq),
    UNIQUE (account_id, entry_id)
);

-- Where each tree stands: what is needed to go on with it. All of it follows from the leaves.
CREATE TABLE cloakroom.audit_trees (
    account_id bigint  PRIMARY KEY,
    size       bigint  NOT NULL,
    hashes     bytea[] NOT NULL, -- the roots of its complete subtrees, largest first
    seen_xid   xid8    NOT NULL, -- entries up to here, in the order of transaction and id, have their numbers
    seen_entry bigint  NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Signed statements of size and root, as they were pushed out. Written once, never changed.
CREATE TABLE cloakroom.audit_checkpoints (
    account_id bigint NOT NULL,
    number     bigint NOT NULL, -- from 1, without holes
    size       bigint NOT NULL,
    root_hash  bytea  NOT NULL CHECK (octet_length(root_hash) = 32),
    note       text   NOT NULL,
    signed_at  timestamptz NOT NULL,
    PRIMARY KEY (account_id, number)
);

CREATE TABLE cloakroom.audit_deliveries (
    account_id   bigint  NOT NULL,
    destination  text    NOT NULL, -- without credentials
    number       bigint  NOT NULL, -- of the newest checkpoint that lies there; 0 is none
    attempts     integer NOT NULL, -- that failed since
    next_try_at  timestamptz NOT NULL,
    delivered_at timestamptz,
    trouble      text    NOT NULL,
    PRIMARY KEY (account_id, destination)
);

-- +goose Down
DROP TABLE cloakroom.audit_deliveries, cloakroom.audit_checkpoints, cloakroom.audit_trees, cloakroom.audit_leaves;
ALTER TABLE cloakroom.audit_entries DROP COLUMN xid;

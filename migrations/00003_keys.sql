-- +goose Up
-- Epoch keys lie in the key service, outside this database, and are destroyed there: a subject key that was wrapped
-- under one dies in every backup with it. Epoch 0 stands for none.
CREATE TABLE cloakroom.key_epochs (
    epoch         integer PRIMARY KEY CHECK (epoch BETWEEN 1 AND 65535),
    name          text  NOT NULL, -- of the epoch's key, beside the master key
    master_key    text  NOT NULL,
    keyset_sealed bytea NOT NULL,
    state         text  NOT NULL CHECK (state IN ('pending', 'active', 'retired', 'destroyed')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    activated_at  timestamptz,
    retired_at    timestamptz,
    destroyed_at  timestamptz
);
CREATE UNIQUE INDEX key_epochs_one_active ON cloakroom.key_epochs ((true)) WHERE state = 'active';

ALTER TABLE cloakroom.subject_keys ADD COLUMN epoch integer NOT NULL DEFAULT 0;
ALTER TABLE cloakroom.account_keysets ADD COLUMN refused_at timestamptz;

-- Who may follow a master key: each record is sealed by the key before it, so that a writer to this database cannot
-- name one of their own.
CREATE TABLE cloakroom.master_keys (
    master_key        text PRIMARY KEY,
    successor         text NOT NULL,
    succession_sealed bytea NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now()
);

-- Every change of keys has a number; a replica says up to which it has forgotten what it held before.
CREATE TABLE cloakroom.key_changes (
    change_id  bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    account_id bigint NOT NULL, -- 0 is every account
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE cloakroom.replicas (
    replica_id text PRIMARY KEY,
    program    text   NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    change_id  bigint NOT NULL,
    trouble    text   NOT NULL DEFAULT ''
);

CREATE TABLE cloakroom.jobs (
    job_id       bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    kind         text   NOT NULL,
    account_id   bigint NOT NULL, -- 0 is the installation
    state        text   NOT NULL CHECK (state IN ('queued', 'running', 'paused', 'done', 'failed', 'cancelled')),
    arguments    jsonb  NOT NULL DEFAULT '{}', -- ids, settings and names of keys, no value of anybody's
    step         text   NOT NULL DEFAULT '',
    checkpoint   jsonb  NOT NULL DEFAULT '{}',
    rows_done    bigint NOT NULL DEFAULT 0,
    rows_total   bigint NOT NULL DEFAULT 0,
    waiting_for  text   NOT NULL DEFAULT '',
    trouble      text   NOT NULL DEFAULT '', -- what failed last, redacted
    attempts     integer NOT NULL DEFAULT 0,
    actor_kind   text   NOT NULL,
    actor_id     text   NOT NULL,
    holder       text   NOT NULL DEFAULT '',
    held_until   timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    started_at   timestamptz,
    step_at      timestamptz,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz
);
-- One job of a kind at a time for an account; erasures of two contacts are two.
CREATE UNIQUE INDEX jobs_one_open ON cloakroom.jobs (kind, account_id, COALESCE(arguments ->> 'contactId', ''))
    WHERE state IN ('queued', 'running', 'paused');

-- An address is held by one contact of an account where Chatwoot wants it unique; those that shared one already go on.
ALTER TABLE cloakroom.lookup_tags ADD COLUMN exclusive boolean NOT NULL DEFAULT false;
UPDATE cloakroom.lookup_tags t SET exclusive = true FROM (
    SELECT DISTINCT ON (account_id, field, generation, tag_index) account_id, field, generation, tag_index, contact_id
    FROM cloakroom.lookup_tags ORDER BY account_id, field, generation, tag_index, contact_id) first
WHERE (t.account_id, t.field, t.generation, t.tag_index, t.contact_id)
    = (first.account_id, first.field, first.generation, first.tag_index, first.contact_id);
CREATE UNIQUE INDEX lookup_tags_held_once ON cloakroom.lookup_tags (account_id, field, generation, tag_index) WHERE exclusive;

-- The ledger of erasures: ids and times only, so that it may be kept for longer than any backup and outside of them.
CREATE TABLE cloakroom.erasures (
    account_id     bigint NOT NULL,
    contact_id     bigint NOT NULL,
    erasure_id     bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    subject_key_ids bigint[] NOT NULL,
    epoch          integer NOT NULL, -- the youngest that wrapped one of them
    actor_kind     text   NOT NULL,
    actor_id       text   NOT NULL,
    erased_at      timestamptz NOT NULL DEFAULT now(),
    counts         jsonb  NOT NULL DEFAULT '{}', -- rows emptied or deleted, by table
    verified_at    timestamptz,
    leftovers      jsonb,  -- what the last verification found, by place; {} is nothing
    PRIMARY KEY (account_id, contact_id)
);

-- What names a key is found by it, whoever its conversation belongs to now: an erasure may miss no row, and its proof
-- must not depend on Chatwoot's tables. Equal keys lie together, so an entry is about six bytes.
-- The account does not lead: without statistics the planner would take these for the tables' own keys.
CREATE INDEX subject_keys_by_contact ON cloakroom.subject_keys (contact_id);
CREATE INDEX contacts_by_key ON cloakroom.contacts (subject_key_id);
CREATE INDEX contact_inboxes_by_key ON cloakroom.contact_inboxes (subject_key_id);
CREATE INDEX conversations_by_key ON cloakroom.conversations (subject_key_id);
CREATE INDEX messages_by_key ON cloakroom.messages (subject_key_id);
CREATE INDEX attachments_by_key ON cloakroom.attachments (subject_key_id);
CREATE INDEX notes_by_key ON cloakroom.notes (subject_key_id);

-- +goose Down
DROP INDEX cloakroom.subject_keys_by_contact, cloakroom.contacts_by_key, cloakroom.contact_inboxes_by_key,
    cloakroom.conversations_by_key, cloakroom.messages_by_key, cloakroom.attachments_by_key, cloakroom.notes_by_key;
DROP TABLE cloakroom.erasures, cloakroom.jobs, cloakroom.replicas, cloakroom.key_changes, cloakroom.master_keys, cloakroom.key_epochs;
DROP INDEX cloakroom.lookup_tags_held_once;
ALTER TABLE cloakroom.lookup_tags DROP COLUMN exclusive;
ALTER TABLE cloakroom.account_keysets DROP COLUMN refused_at;
ALTER TABLE cloakroom.subject_keys DROP COLUMN epoch;

-- +goose Up
-- What lets sealed values be found and put in order. Tokens and tags are keyed functions of words, parts and values:
-- without the account's index key they say how often something occurs and what occurs together, and nothing else.
-- docs/search.md states what each of these tables gives away.

-- SCAN is for accounts that accept no such index: messages and contacts are opened until a page is full.
CREATE TABLE cloakroom.search_settings (
    account_id       bigint PRIMARY KEY,
    mode             text NOT NULL DEFAULT 'TOKENS' CHECK (mode IN ('TOKENS', 'SCAN')),
    messages_indexed boolean NOT NULL DEFAULT false, -- every sealed message has its tokens
    contacts_indexed boolean NOT NULL DEFAULT false, -- every sealed contact has its tokens
    updated_at       timestamptz NOT NULL DEFAULT now()
);

-- One row per message. The month lies in the tokens themselves: a word has another token in another month, in
-- another direction and in another account, so one index holds all of them and a search reads one month's lists.
CREATE TABLE cloakroom.message_tokens (
    account_id      bigint    NOT NULL,
    message_id      bigint    NOT NULL,
    conversation_id bigint    NOT NULL,
    inbox_id        bigint    NOT NULL,
    created_at      timestamp NOT NULL, -- the message's own
    epoch           integer   NOT NULL, -- yyyymm of created_at
    generation      integer   NOT NULL, -- of the index key
    tokens          bigint[]  NOT NULL,
    PRIMARY KEY (account_id, message_id)
);
CREATE INDEX message_tokens_by_token ON cloakroom.message_tokens USING gin (tokens);
CREATE INDEX message_tokens_by_time ON cloakroom.message_tokens (account_id, created_at, message_id);

CREATE TABLE cloakroom.contact_tokens (
    account_id bigint   NOT NULL,
    contact_id bigint   NOT NULL,
    generation integer  NOT NULL,
    tokens     bigint[] NOT NULL,
    PRIMARY KEY (account_id, contact_id)
);
CREATE INDEX contact_tokens_by_token ON cloakroom.contact_tokens USING gin (tokens);

-- What a super admin has decided about an attribute; one without a row is personal and not searchable.
CREATE TABLE cloakroom.attribute_policies (
    account_id    bigint  NOT NULL,
    model         text    NOT NULL CHECK (model IN ('CONVERSATION', 'CONTACT')),
    attribute_key text    NOT NULL,
    value_type    text    NOT NULL, -- of its definition, when that was decided: tags are of values of this type
    personal      boolean NOT NULL,
    searchable    boolean NOT NULL,
    indexed       boolean NOT NULL DEFAULT false, -- every sealed row has its tag
    version       integer NOT NULL DEFAULT 1,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, model, attribute_key)
);

CREATE TABLE cloakroom.attribute_tags (
    account_id    bigint  NOT NULL,
    model         text    NOT NULL,
    attribute_key text    NOT NULL,
    generation    integer NOT NULL,
    tag_index     bytea   NOT NULL CHECK (octet_length(tag_index) = 16),
    entity_id     bigint  NOT NULL, -- the contact, or the conversation
    PRIMARY KEY (account_id, model, attribute_key, generation, tag_index, entity_id)
);
CREATE INDEX attribute_tags_by_entity ON cloakroom.attribute_tags (account_id, model, entity_id);

-- An account's opt-in to order labels, by field. Labels of the live generation are read; while another is being built
-- nobody reads that. 0 is none.
CREATE TABLE cloakroom.contact_orderings (
    account_id bigint   NOT NULL,
    field      text     NOT NULL CHECK (field IN ('NAME', 'EMAIL', 'COMPANY', 'CITY', 'COUNTRY')),
    live       integer  NOT NULL DEFAULT 0,
    building   integer  NOT NULL DEFAULT 0,
    enabled    boolean  NOT NULL DEFAULT true,
    due        boolean  NOT NULL DEFAULT true,  -- all labels are to be made anew
    changed    boolean  NOT NULL DEFAULT false, -- a label was put between others since all were made
    built_at   timestamptz,
    PRIMARY KEY (account_id, field)
);

-- An order by name passes over those that are sealed away.
CREATE INDEX contacts_sealed_names ON cloakroom.contacts (account_id, contact_id) WHERE name_sealed IS NOT NULL;

-- A label is a number whose order is that of the values and which holds no key. NULL is a contact without the value, or
-- one that has no place yet. The unique key is checked at the end of a statement, so that one can spread labels anew.
CREATE TABLE cloakroom.contact_labels (
    account_id bigint  NOT NULL,
    field      text    NOT NULL,
    generation integer NOT NULL,
    contact_id bigint  NOT NULL,
    label      bigint  CHECK (label > 0),
    waiting    boolean NOT NULL DEFAULT false, -- has the value and no place yet
    PRIMARY KEY (account_id, field, generation, contact_id),
    UNIQUE (account_id, field, generation, label) DEFERRABLE INITIALLY IMMEDIATE
);
CREATE INDEX contact_labels_blank ON cloakroom.contact_labels (account_id, field, generation, contact_id) WHERE label IS NULL;
CREATE INDEX contact_labels_waiting ON cloakroom.contact_labels (account_id, field, generation, contact_id) WHERE waiting;

-- +goose Down
DROP INDEX cloakroom.contacts_sealed_names;
DROP TABLE cloakroom.contact_labels, cloakroom.contact_orderings, cloakroom.attribute_tags, cloakroom.attribute_policies,
    cloakroom.contact_tokens, cloakroom.message_tokens, cloakroom.search_settings;

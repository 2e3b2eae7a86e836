-- Chatwoot 4.14.2's tables (schema version 2026_05_25_093000) as far as Cloakroom reads them: for the demo
-- and for tests, so that both read what a real installation holds. Types, null-ness, defaults, index names,
-- triggers and sequences are Chatwoot's; tables and extensions (vector) that Cloakroom never meets are left out.
-- Load it into an empty database, in one multi-statement Exec. It runs on PostgreSQL 15 and 16.

CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS pgcrypto;

CREATE TABLE accounts (
    id serial PRIMARY KEY,
    name varchar NOT NULL,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    locale integer DEFAULT 0,
    domain varchar(100),
    support_email varchar(100),
    feature_flags bigint DEFAULT 0 NOT NULL,
    auto_resolve_duration integer,
    limits jsonb DEFAULT '{}',
    custom_attributes jsonb DEFAULT '{}',
    status integer DEFAULT 0,
    internal_attributes jsonb DEFAULT '{}' NOT NULL,
    settings jsonb DEFAULT '{}'
);
CREATE INDEX index_accounts_on_status ON accounts (status);

CREATE TABLE users (
    id serial PRIMARY KEY,
    provider varchar DEFAULT 'email' NOT NULL,
    uid varchar DEFAULT '' NOT NULL,
    encrypted_password varchar DEFAULT '' NOT NULL,
    reset_password_token varchar,
    reset_password_sent_at timestamp,
    remember_created_at timestamp,
    sign_in_count integer DEFAULT 0 NOT NULL,
    current_sign_in_at timestamp,
    last_sign_in_at timestamp,
    current_sign_in_ip varchar,
    last_sign_in_ip varchar,
    confirmation_token varchar,
    confirmed_at timestamp,
    confirmation_sent_at timestamp,
    unconfirmed_email varchar,
    name varchar NOT NULL,
    display_name varchar,
    email varchar,
    tokens json,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    pubsub_token varchar,
    availability integer DEFAULT 0,
    ui_settings jsonb DEFAULT '{}',
    custom_attributes jsonb DEFAULT '{}',
    type varchar,
    message_signature text,
    otp_secret varchar,
    consumed_timestep integer,
    otp_required_for_login boolean DEFAULT false,
    otp_backup_codes text
);
CREATE INDEX index_users_on_email ON users (email);
CREATE INDEX index_users_on_otp_required_for_login ON users (otp_required_for_login);
CREATE UNIQUE INDEX index_users_on_otp_secret ON users (otp_secret);
CREATE UNIQUE INDEX index_users_on_pubsub_token ON users (pubsub_token);
CREATE UNIQUE INDEX index_users_on_reset_password_token ON users (reset_password_token);
CREATE UNIQUE INDEX index_users_on_uid_and_provider ON users (uid, provider);

CREATE TABLE account_users (
    id bigserial PRIMARY KEY,
    account_id bigint,
    user_id bigint,
    role integer DEFAULT 0,
    inviter_id bigint,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    active_at timestamp,
    availability integer DEFAULT 0 NOT NULL,
    auto_offline boolean DEFAULT true NOT NULL,
    custom_role_id bigint,
    agent_capacity_policy_id bigint
);
CREATE UNIQUE INDEX uniq_user_id_per_account_id ON account_users (account_id, user_id);
CREATE INDEX index_account_users_on_account_id ON account_users (account_id);
CREATE INDEX index_account_users_on_agent_capacity_policy_id ON account_users (agent_capacity_policy_id);
CREATE INDEX index_account_users_on_custom_role_id ON account_users (custom_role_id);
CREATE INDEX index_account_users_on_user_id ON account_users (user_id);

CREATE TABLE custom_roles (
    id bigserial PRIMARY KEY,
    name varchar,
    description varchar,
    account_id bigint NOT NULL,
    permissions text[] DEFAULT '{}',
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE INDEX index_custom_roles_on_account_id ON custom_roles (account_id);

CREATE TABLE access_tokens (
    id bigserial PRIMARY KEY,
    owner_type varchar,
    owner_id bigint,
    token varchar,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE INDEX index_access_tokens_on_owner_type_and_owner_id ON access_tokens (owner_type, owner_id);
CREATE UNIQUE INDEX index_access_tokens_on_token ON access_tokens (token);

CREATE TABLE contacts (
    id serial PRIMARY KEY,
    name varchar DEFAULT '',
    email varchar,
    phone_number varchar,
    account_id integer NOT NULL,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    additional_attributes jsonb DEFAULT '{}',
    identifier varchar,
    custom_attributes jsonb DEFAULT '{}',
    last_activity_at timestamp,
    contact_type integer DEFAULT 0,
    middle_name varchar DEFAULT '',
    last_name varchar DEFAULT '',
    location varchar DEFAULT '',
    country_code varchar DEFAULT '',
    blocked boolean DEFAULT false NOT NULL,
    company_id bigint
);
CREATE INDEX index_contacts_on_lower_email_account_id ON contacts (lower((email)::text), account_id);
CREATE INDEX index_contacts_on_account_id_and_contact_type ON contacts (account_id, contact_type);
CREATE INDEX index_contacts_on_nonempty_fields ON contacts (account_id, email, phone_number, identifier) WHERE ((email)::text <> ''::text OR (phone_number)::text <> ''::text OR (identifier)::text <> ''::text);
CREATE INDEX index_contacts_on_account_id_and_last_activity_at ON contacts (account_id, last_activity_at DESC NULLS LAST);
CREATE INDEX index_contacts_on_account_id ON contacts (account_id);
CREATE INDEX index_resolved_contact_account_id ON contacts (account_id) WHERE ((email)::text <> ''::text OR (phone_number)::text <> ''::text OR (identifier)::text <> ''::text);
CREATE INDEX index_contacts_on_blocked ON contacts (blocked);
CREATE INDEX index_contacts_on_company_id ON contacts (company_id);
CREATE UNIQUE INDEX uniq_email_per_account_contact ON contacts (email, account_id);
CREATE UNIQUE INDEX uniq_identifier_per_account_contact ON contacts (identifier, account_id);
CREATE INDEX index_contacts_on_name_email_phone_number_identifier ON contacts USING gin (name gin_trgm_ops, email gin_trgm_ops, phone_number gin_trgm_ops, identifier gin_trgm_ops);
CREATE INDEX index_contacts_on_phone_number_and_account_id ON contacts (phone_number, account_id);

CREATE TABLE contact_inboxes (
    id bigserial PRIMARY KEY,
    contact_id bigint,
    inbox_id bigint,
    source_id text NOT NULL,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    hmac_verified boolean DEFAULT false,
    pubsub_token varchar
);
CREATE INDEX index_contact_inboxes_on_contact_id ON contact_inboxes (contact_id);
CREATE UNIQUE INDEX index_contact_inboxes_on_inbox_id_and_source_id ON contact_inboxes (inbox_id, source_id);
CREATE INDEX index_contact_inboxes_on_inbox_id ON contact_inboxes (inbox_id);
CREATE UNIQUE INDEX index_contact_inboxes_on_pubsub_token ON contact_inboxes (pubsub_token);
CREATE INDEX index_contact_inboxes_on_source_id ON contact_inboxes (source_id);

CREATE TABLE companies (
    id bigserial PRIMARY KEY,
    name varchar NOT NULL,
    domain varchar,
    description text,
    account_id bigint NOT NULL,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    contacts_count integer,
    additional_attributes jsonb DEFAULT '{}',
    custom_attributes jsonb DEFAULT '{}',
    last_activity_at timestamp
);
CREATE UNIQUE INDEX index_companies_on_account_and_domain ON companies (account_id, domain) WHERE (domain IS NOT NULL);
CREATE INDEX index_companies_on_account_id ON companies (account_id);
CREATE INDEX index_companies_on_name_and_account_id ON companies (name, account_id);

CREATE TABLE notes (
    id bigserial PRIMARY KEY,
    content text NOT NULL,
    account_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    user_id bigint,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE INDEX index_notes_on_account_id ON notes (account_id);
CREATE INDEX index_notes_on_contact_id ON notes (contact_id);
CREATE INDEX index_notes_on_user_id ON notes (user_id);

CREATE TABLE inboxes (
    id serial PRIMARY KEY,
    channel_id integer NOT NULL,
    account_id integer NOT NULL,
    name varchar NOT NULL,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    channel_type varchar,
    enable_auto_assignment boolean DEFAULT true,
    greeting_enabled boolean DEFAULT false,
    greeting_message varchar,
    email_address varchar,
    working_hours_enabled boolean DEFAULT false,
    out_of_office_message varchar,
    timezone varchar DEFAULT 'UTC',
    enable_email_collect boolean DEFAULT true,
    csat_survey_enabled boolean DEFAULT false,
    allow_messages_after_resolved boolean DEFAULT true,
    auto_assignment_config jsonb DEFAULT '{}',
    lock_to_single_conversation boolean DEFAULT false NOT NULL,
    portal_id bigint,
    sender_name_type integer DEFAULT 0 NOT NULL,
    business_name varchar,
    csat_config jsonb DEFAULT '{}' NOT NULL
);
CREATE INDEX index_inboxes_on_account_id ON inboxes (account_id);
CREATE INDEX index_inboxes_on_channel_id_and_channel_type ON inboxes (channel_id, channel_type);
CREATE INDEX index_inboxes_on_portal_id ON inboxes (portal_id);

CREATE TABLE inbox_members (
    id serial PRIMARY KEY,
    user_id integer NOT NULL,
    inbox_id integer NOT NULL,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX index_inbox_members_on_inbox_id_and_user_id ON inbox_members (inbox_id, user_id);
CREATE INDEX index_inbox_members_on_inbox_id ON inbox_members (inbox_id);

CREATE TABLE teams (
    id bigserial PRIMARY KEY,
    name varchar NOT NULL,
    description text,
    allow_auto_assign boolean DEFAULT true,
    account_id bigint NOT NULL,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE INDEX index_teams_on_account_id ON teams (account_id);
CREATE UNIQUE INDEX index_teams_on_name_and_account_id ON teams (name, account_id);

CREATE TABLE team_members (
    id bigserial PRIMARY KEY,
    team_id bigint NOT NULL,
    user_id bigint NOT NULL,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE UNIQUE INDEX index_team_members_on_team_id_and_user_id ON team_members (team_id, user_id);
CREATE INDEX index_team_members_on_team_id ON team_members (team_id);
CREATE INDEX index_team_members_on_user_id ON team_members (user_id);

CREATE TABLE conversations (
    id serial PRIMARY KEY,
    account_id integer NOT NULL,
    inbox_id integer NOT NULL,
    status integer DEFAULT 0 NOT NULL,
    assignee_id integer,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    contact_id bigint,
    display_id integer NOT NULL,
    contact_last_seen_at timestamp,
    agent_last_seen_at timestamp,
    additional_attributes jsonb DEFAULT '{}',
    contact_inbox_id bigint,
    uuid uuid DEFAULT gen_random_uuid() NOT NULL,
    identifier varchar,
    last_activity_at timestamp DEFAULT CURRENT_TIMESTAMP NOT NULL,
    team_id bigint,
    campaign_id bigint,
    snoozed_until timestamp,
    custom_attributes jsonb DEFAULT '{}',
    assignee_last_seen_at timestamp,
    first_reply_created_at timestamp,
    priority integer,
    sla_policy_id bigint,
    waiting_since timestamp(6),
    cached_label_list text,
    assignee_agent_bot_id bigint
);
CREATE UNIQUE INDEX index_conversations_on_account_id_and_display_id ON conversations (account_id, display_id);
CREATE INDEX index_conversations_on_id_and_account_id ON conversations (account_id, id);
CREATE INDEX conv_acid_inbid_stat_asgnid_idx ON conversations (account_id, inbox_id, status, assignee_id);
CREATE INDEX index_conversations_on_account_id ON conversations (account_id);
CREATE INDEX index_conversations_on_assignee_id_and_account_id ON conversations (assignee_id, account_id);
CREATE INDEX index_conversations_on_campaign_id ON conversations (campaign_id);
CREATE INDEX index_conversations_on_contact_id ON conversations (contact_id);
CREATE INDEX index_conversations_on_contact_inbox_id ON conversations (contact_inbox_id);
CREATE INDEX index_conversations_on_first_reply_created_at ON conversations (first_reply_created_at);
CREATE INDEX index_conversations_on_identifier_and_account_id ON conversations (identifier, account_id);
CREATE INDEX index_conversations_on_inbox_id ON conversations (inbox_id);
CREATE INDEX index_conversations_on_priority ON conversations (priority);
CREATE INDEX index_conversations_on_status_and_account_id ON conversations (status, account_id);
CREATE INDEX index_conversations_on_status_and_priority ON conversations (status, priority);
CREATE INDEX index_conversations_on_team_id ON conversations (team_id);
CREATE UNIQUE INDEX index_conversations_on_uuid ON conversations (uuid);
CREATE INDEX index_conversations_on_waiting_since ON conversations (waiting_since);

CREATE TABLE messages (
    id serial PRIMARY KEY,
    content text,
    account_id integer NOT NULL,
    inbox_id integer NOT NULL,
    conversation_id integer NOT NULL,
    message_type integer NOT NULL,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    private boolean DEFAULT false NOT NULL,
    status integer DEFAULT 0,
    source_id text,
    content_type integer DEFAULT 0 NOT NULL,
    content_attributes json DEFAULT '{}',
    sender_type varchar,
    sender_id bigint,
    external_source_ids jsonb DEFAULT '{}',
    additional_attributes jsonb DEFAULT '{}',
    processed_message_content text,
    sentiment jsonb DEFAULT '{}'
);
CREATE INDEX index_messages_on_additional_attributes_campaign_id ON messages USING gin (((additional_attributes -> 'campaign_id'::text)));
CREATE INDEX idx_messages_account_content_created ON messages (account_id, content_type, created_at);
CREATE INDEX index_messages_on_account_created_type ON messages (account_id, created_at, message_type);
CREATE INDEX index_messages_on_account_id_and_inbox_id ON messages (account_id, inbox_id);
CREATE INDEX index_messages_on_account_id ON messages (account_id);
CREATE INDEX index_messages_on_content ON messages USING gin (content gin_trgm_ops);
CREATE INDEX index_messages_on_conversation_account_type_created ON messages (conversation_id, account_id, message_type, created_at);
CREATE INDEX index_messages_on_conversation_id ON messages (conversation_id);
CREATE INDEX index_messages_on_created_at ON messages (created_at);
CREATE INDEX index_messages_on_inbox_id ON messages (inbox_id);
CREATE INDEX index_messages_on_sender_type_and_sender_id ON messages (sender_type, sender_id);
CREATE INDEX index_messages_on_source_id ON messages (source_id);

CREATE TABLE attachments (
    id serial PRIMARY KEY,
    file_type integer DEFAULT 0,
    external_url varchar,
    coordinates_lat double precision DEFAULT 0.0,
    coordinates_long double precision DEFAULT 0.0,
    message_id integer NOT NULL,
    account_id integer NOT NULL,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    fallback_title varchar,
    extension varchar,
    meta jsonb DEFAULT '{}'
);
CREATE INDEX index_attachments_on_account_id ON attachments (account_id);
CREATE INDEX index_attachments_on_message_id ON attachments (message_id);

CREATE TABLE conversation_participants (
    id bigserial PRIMARY KEY,
    account_id bigint NOT NULL,
    user_id bigint NOT NULL,
    conversation_id bigint NOT NULL,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE INDEX index_conversation_participants_on_account_id ON conversation_participants (account_id);
CREATE INDEX index_conversation_participants_on_conversation_id ON conversation_participants (conversation_id);
CREATE UNIQUE INDEX index_conversation_participants_on_user_id_and_conversation_id ON conversation_participants (user_id, conversation_id);
CREATE INDEX index_conversation_participants_on_user_id ON conversation_participants (user_id);

CREATE TABLE mentions (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL,
    conversation_id bigint NOT NULL,
    account_id bigint NOT NULL,
    mentioned_at timestamp NOT NULL,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE INDEX index_mentions_on_account_id ON mentions (account_id);
CREATE INDEX index_mentions_on_conversation_id ON mentions (conversation_id);
CREATE UNIQUE INDEX index_mentions_on_user_id_and_conversation_id ON mentions (user_id, conversation_id);
CREATE INDEX index_mentions_on_user_id ON mentions (user_id);

CREATE TABLE labels (
    id bigserial PRIMARY KEY,
    title varchar,
    description text,
    color varchar DEFAULT '#1f93ff' NOT NULL,
    show_on_sidebar boolean,
    account_id bigint,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE INDEX index_labels_on_account_id ON labels (account_id);
CREATE UNIQUE INDEX index_labels_on_title_and_account_id ON labels (title, account_id);

CREATE TABLE tags (
    id serial PRIMARY KEY,
    name varchar,
    taggings_count integer DEFAULT 0
);
CREATE INDEX tags_name_trgm_idx ON tags USING gin (lower((name)::text) gin_trgm_ops);
CREATE UNIQUE INDEX index_tags_on_name ON tags (name);

CREATE TABLE taggings (
    id serial PRIMARY KEY,
    tag_id integer,
    taggable_type varchar,
    taggable_id integer,
    tagger_type varchar,
    tagger_id integer,
    context varchar(128),
    created_at timestamp
);
CREATE INDEX index_taggings_on_context ON taggings (context);
CREATE UNIQUE INDEX taggings_idx ON taggings (tag_id, taggable_id, taggable_type, context, tagger_id, tagger_type);
CREATE INDEX index_taggings_on_tag_id ON taggings (tag_id);
CREATE INDEX index_taggings_on_taggable_id_and_taggable_type_and_context ON taggings (taggable_id, taggable_type, context);
CREATE INDEX taggings_idy ON taggings (taggable_id, taggable_type, tagger_id, context);
CREATE INDEX index_taggings_on_taggable_id ON taggings (taggable_id);
CREATE INDEX index_taggings_on_taggable_type ON taggings (taggable_type);
CREATE INDEX index_taggings_on_tagger_id_and_tagger_type ON taggings (tagger_id, tagger_type);
CREATE INDEX index_taggings_on_tagger_id ON taggings (tagger_id);

CREATE TABLE csat_survey_responses (
    id bigserial PRIMARY KEY,
    account_id bigint NOT NULL,
    conversation_id bigint NOT NULL,
    message_id bigint NOT NULL,
    rating integer NOT NULL,
    feedback_message text,
    contact_id bigint NOT NULL,
    assigned_agent_id bigint,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    csat_review_notes text,
    review_notes_updated_at timestamp(6),
    review_notes_updated_by_id bigint
);
CREATE INDEX index_csat_survey_responses_on_account_id ON csat_survey_responses (account_id);
CREATE INDEX index_csat_survey_responses_on_assigned_agent_id ON csat_survey_responses (assigned_agent_id);
CREATE INDEX index_csat_survey_responses_on_contact_id ON csat_survey_responses (contact_id);
CREATE INDEX index_csat_survey_responses_on_conversation_id ON csat_survey_responses (conversation_id);
CREATE UNIQUE INDEX index_csat_survey_responses_on_message_id ON csat_survey_responses (message_id);
CREATE INDEX index_csat_survey_responses_on_review_notes_updated_by_id ON csat_survey_responses (review_notes_updated_by_id);

CREATE TABLE custom_attribute_definitions (
    id bigserial PRIMARY KEY,
    attribute_display_name varchar,
    attribute_key varchar,
    attribute_display_type integer DEFAULT 0,
    default_value integer,
    attribute_model integer DEFAULT 0,
    account_id bigint,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    attribute_description text,
    attribute_values jsonb DEFAULT '[]',
    regex_pattern varchar,
    regex_cue varchar
);
CREATE INDEX index_custom_attribute_definitions_on_account_id ON custom_attribute_definitions (account_id);
CREATE UNIQUE INDEX attribute_key_model_index ON custom_attribute_definitions (attribute_key, attribute_model, account_id);

CREATE TABLE custom_filters (
    id bigserial PRIMARY KEY,
    name varchar NOT NULL,
    filter_type integer DEFAULT 0 NOT NULL,
    query jsonb DEFAULT '"{}"' NOT NULL,
    account_id bigint NOT NULL,
    user_id bigint NOT NULL,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE INDEX index_custom_filters_on_account_id ON custom_filters (account_id);
CREATE INDEX index_custom_filters_on_user_id ON custom_filters (user_id);

CREATE TABLE notifications (
    id bigserial PRIMARY KEY,
    account_id bigint NOT NULL,
    user_id bigint NOT NULL,
    notification_type integer NOT NULL,
    primary_actor_type varchar NOT NULL,
    primary_actor_id bigint NOT NULL,
    secondary_actor_type varchar,
    secondary_actor_id bigint,
    read_at timestamp,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    snoozed_until timestamp(6),
    last_activity_at timestamp(6) DEFAULT CURRENT_TIMESTAMP,
    meta jsonb DEFAULT '{}'
);
CREATE INDEX index_notifications_on_account_id ON notifications (account_id);
CREATE INDEX index_notifications_on_last_activity_at ON notifications (last_activity_at);
CREATE INDEX uniq_primary_actor_per_account_notifications ON notifications (primary_actor_type, primary_actor_id);
CREATE INDEX uniq_secondary_actor_per_account_notifications ON notifications (secondary_actor_type, secondary_actor_id);
CREATE INDEX idx_notifications_performance ON notifications (user_id, account_id, snoozed_until, read_at);
CREATE INDEX index_notifications_on_user_id ON notifications (user_id);

CREATE TABLE integrations_hooks (
    id bigserial PRIMARY KEY,
    status integer DEFAULT 1,
    inbox_id integer,
    account_id integer,
    app_id varchar,
    hook_type integer DEFAULT 0,
    reference_id varchar,
    access_token varchar,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    settings jsonb DEFAULT '{}'
);

CREATE TABLE audits (
    id bigserial PRIMARY KEY,
    auditable_id bigint,
    auditable_type varchar,
    associated_id bigint,
    associated_type varchar,
    user_id bigint,
    user_type varchar,
    username varchar,
    action varchar,
    audited_changes jsonb,
    version integer DEFAULT 0,
    comment varchar,
    remote_address varchar,
    request_uuid varchar,
    created_at timestamp
);
CREATE INDEX associated_index ON audits (associated_type, associated_id);
CREATE INDEX auditable_index ON audits (auditable_type, auditable_id, version);
CREATE INDEX index_audits_on_created_at ON audits (created_at);
CREATE INDEX index_audits_on_request_uuid ON audits (request_uuid);
CREATE INDEX user_index ON audits (user_id, user_type);

CREATE TABLE calls (
    id bigserial PRIMARY KEY,
    account_id bigint NOT NULL,
    inbox_id bigint NOT NULL,
    conversation_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    message_id bigint,
    accepted_by_agent_id bigint,
    provider_call_id varchar NOT NULL,
    provider integer DEFAULT 0 NOT NULL,
    direction integer NOT NULL,
    status varchar DEFAULT 'ringing' NOT NULL,
    started_at timestamp(6),
    duration_seconds integer,
    end_reason varchar,
    meta jsonb DEFAULT '{}',
    transcript text,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE INDEX index_calls_on_account_id_and_contact_id ON calls (account_id, contact_id);
CREATE INDEX index_calls_on_account_id_and_conversation_id ON calls (account_id, conversation_id);
CREATE INDEX index_calls_on_message_id ON calls (message_id);
CREATE UNIQUE INDEX index_calls_on_provider_and_provider_call_id ON calls (provider, provider_call_id);

-- The tables that inboxes.channel_type and channel_id point at. They hold credentials beside addresses:
-- never select them with *.

CREATE TABLE channel_api (
    id bigserial PRIMARY KEY,
    account_id integer NOT NULL,
    webhook_url varchar,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    identifier varchar,
    hmac_token varchar,
    hmac_mandatory boolean DEFAULT false,
    additional_attributes jsonb DEFAULT '{}',
    secret varchar
);
CREATE UNIQUE INDEX index_channel_api_on_hmac_token ON channel_api (hmac_token);
CREATE UNIQUE INDEX index_channel_api_on_identifier ON channel_api (identifier);

CREATE TABLE channel_email (
    id bigserial PRIMARY KEY,
    account_id integer NOT NULL,
    email varchar NOT NULL,
    forward_to_email varchar NOT NULL,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    imap_enabled boolean DEFAULT false,
    imap_address varchar DEFAULT '',
    imap_port integer DEFAULT 0,
    imap_login varchar DEFAULT '',
    imap_password varchar DEFAULT '',
    imap_enable_ssl boolean DEFAULT true,
    smtp_enabled boolean DEFAULT false,
    smtp_address varchar DEFAULT '',
    smtp_port integer DEFAULT 0,
    smtp_login varchar DEFAULT '',
    smtp_password varchar DEFAULT '',
    smtp_domain varchar DEFAULT '',
    provider_config jsonb DEFAULT '{}',
    provider varchar,
    verified_for_sending boolean DEFAULT false NOT NULL,
    imap_authentication varchar DEFAULT 'plain'
);
CREATE UNIQUE INDEX index_channel_email_on_email ON channel_email (email);
CREATE UNIQUE INDEX index_channel_email_on_forward_to_email ON channel_email (forward_to_email);

CREATE TABLE channel_facebook_pages (
    id serial PRIMARY KEY,
    page_id varchar NOT NULL,
    user_access_token varchar NOT NULL,
    page_access_token varchar NOT NULL,
    account_id integer NOT NULL,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    instagram_id varchar
);
CREATE UNIQUE INDEX index_channel_facebook_pages_on_page_id_and_account_id ON channel_facebook_pages (page_id, account_id);
CREATE INDEX index_channel_facebook_pages_on_page_id ON channel_facebook_pages (page_id);

CREATE TABLE channel_instagram (
    id bigserial PRIMARY KEY,
    access_token varchar NOT NULL,
    expires_at timestamp(6) NOT NULL,
    account_id integer NOT NULL,
    instagram_id varchar NOT NULL,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE UNIQUE INDEX index_channel_instagram_on_instagram_id ON channel_instagram (instagram_id);

CREATE TABLE channel_line (
    id bigserial PRIMARY KEY,
    account_id integer NOT NULL,
    line_channel_id varchar NOT NULL,
    line_channel_secret varchar NOT NULL,
    line_channel_token varchar NOT NULL,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE UNIQUE INDEX index_channel_line_on_line_channel_id ON channel_line (line_channel_id);

CREATE TABLE channel_sms (
    id bigserial PRIMARY KEY,
    account_id integer NOT NULL,
    phone_number varchar NOT NULL,
    provider varchar DEFAULT 'default',
    provider_config jsonb DEFAULT '{}',
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE UNIQUE INDEX index_channel_sms_on_phone_number ON channel_sms (phone_number);

CREATE TABLE channel_telegram (
    id bigserial PRIMARY KEY,
    bot_name varchar,
    account_id integer NOT NULL,
    bot_token varchar NOT NULL,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE UNIQUE INDEX index_channel_telegram_on_bot_token ON channel_telegram (bot_token);

CREATE TABLE channel_tiktok (
    id bigserial PRIMARY KEY,
    account_id integer NOT NULL,
    business_id varchar NOT NULL,
    access_token varchar NOT NULL,
    expires_at timestamp(6) NOT NULL,
    refresh_token varchar NOT NULL,
    refresh_token_expires_at timestamp(6) NOT NULL,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE UNIQUE INDEX index_channel_tiktok_on_business_id ON channel_tiktok (business_id);

CREATE TABLE channel_twilio_sms (
    id bigserial PRIMARY KEY,
    phone_number varchar,
    auth_token varchar NOT NULL,
    account_sid varchar NOT NULL,
    account_id integer NOT NULL,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    medium integer DEFAULT 0,
    messaging_service_sid varchar,
    api_key_sid varchar,
    voice_enabled boolean DEFAULT false NOT NULL
);
CREATE UNIQUE INDEX index_channel_twilio_sms_on_account_sid_and_phone_number ON channel_twilio_sms (account_sid, phone_number);
CREATE UNIQUE INDEX index_channel_twilio_sms_on_messaging_service_sid ON channel_twilio_sms (messaging_service_sid);
CREATE UNIQUE INDEX index_channel_twilio_sms_on_phone_number ON channel_twilio_sms (phone_number);

CREATE TABLE channel_twitter_profiles (
    id bigserial PRIMARY KEY,
    profile_id varchar NOT NULL,
    twitter_access_token varchar NOT NULL,
    twitter_access_token_secret varchar NOT NULL,
    account_id integer NOT NULL,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    tweets_enabled boolean DEFAULT true
);
CREATE UNIQUE INDEX index_channel_twitter_profiles_on_account_id_and_profile_id ON channel_twitter_profiles (account_id, profile_id);

CREATE TABLE channel_web_widgets (
    id serial PRIMARY KEY,
    website_url varchar,
    account_id integer,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    website_token varchar,
    widget_color varchar DEFAULT '#1f93ff',
    welcome_title varchar,
    welcome_tagline varchar,
    feature_flags integer DEFAULT 7 NOT NULL,
    reply_time integer DEFAULT 0,
    hmac_token varchar,
    pre_chat_form_enabled boolean DEFAULT false,
    pre_chat_form_options jsonb DEFAULT '{}',
    hmac_mandatory boolean DEFAULT false,
    continuity_via_email boolean DEFAULT true NOT NULL
);
CREATE UNIQUE INDEX index_channel_web_widgets_on_hmac_token ON channel_web_widgets (hmac_token);
CREATE UNIQUE INDEX index_channel_web_widgets_on_website_token ON channel_web_widgets (website_token);

CREATE TABLE channel_whatsapp (
    id bigserial PRIMARY KEY,
    account_id integer NOT NULL,
    phone_number varchar NOT NULL,
    provider varchar DEFAULT 'default',
    provider_config jsonb DEFAULT '{}',
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    message_templates jsonb DEFAULT '{}',
    message_templates_last_updated timestamp
);
CREATE UNIQUE INDEX index_channel_whatsapp_on_phone_number ON channel_whatsapp (phone_number);

CREATE TABLE agent_bots (
    id bigserial PRIMARY KEY,
    name varchar,
    description varchar,
    outgoing_url varchar,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    account_id bigint,
    bot_type integer DEFAULT 0,
    bot_config jsonb DEFAULT '{}',
    secret varchar
);
CREATE INDEX index_agent_bots_on_account_id ON agent_bots (account_id);

CREATE TABLE webhooks (
    id bigserial PRIMARY KEY,
    account_id integer,
    inbox_id integer,
    url text,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    webhook_type integer DEFAULT 0,
    subscriptions jsonb DEFAULT '["conversation_status_changed", "conversation_updated", "conversation_created", "contact_created", "contact_updated", "message_created", "message_updated", "webwidget_triggered"]',
    name varchar,
    secret varchar
);
CREATE UNIQUE INDEX index_webhooks_on_account_id_and_url ON webhooks (account_id, url);

CREATE TABLE agent_bot_inboxes (
    id bigserial PRIMARY KEY,
    inbox_id integer,
    agent_bot_id integer,
    status integer DEFAULT 0,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    account_id integer
);

CREATE TABLE campaigns (
    id bigserial PRIMARY KEY,
    display_id integer NOT NULL,
    title varchar NOT NULL,
    description text,
    message text NOT NULL,
    sender_id integer,
    enabled boolean DEFAULT true,
    account_id bigint NOT NULL,
    inbox_id bigint NOT NULL,
    trigger_rules jsonb DEFAULT '{}',
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL,
    campaign_type integer DEFAULT 0 NOT NULL,
    campaign_status integer DEFAULT 0 NOT NULL,
    audience jsonb DEFAULT '[]',
    scheduled_at timestamp,
    trigger_only_during_business_hours boolean DEFAULT false,
    template_params jsonb
);
CREATE INDEX index_campaigns_on_account_id ON campaigns (account_id);
CREATE INDEX index_campaigns_on_campaign_status ON campaigns (campaign_status);
CREATE INDEX index_campaigns_on_campaign_type ON campaigns (campaign_type);
CREATE INDEX index_campaigns_on_inbox_id ON campaigns (inbox_id);
CREATE INDEX index_campaigns_on_scheduled_at ON campaigns (scheduled_at);

-- Files. These two foreign keys are the only ones among the tables here.

CREATE TABLE active_storage_blobs (
    id bigserial PRIMARY KEY,
    key varchar NOT NULL,
    filename varchar NOT NULL,
    content_type varchar,
    metadata text,
    byte_size bigint NOT NULL,
    checksum varchar,
    created_at timestamp NOT NULL,
    service_name varchar NOT NULL
);
CREATE UNIQUE INDEX index_active_storage_blobs_on_key ON active_storage_blobs (key);

CREATE TABLE active_storage_attachments (
    id bigserial PRIMARY KEY,
    name varchar NOT NULL,
    record_type varchar NOT NULL,
    record_id bigint NOT NULL,
    blob_id bigint NOT NULL REFERENCES active_storage_blobs (id),
    created_at timestamp NOT NULL
);
CREATE INDEX index_active_storage_attachments_on_blob_id ON active_storage_attachments (blob_id);
CREATE UNIQUE INDEX index_active_storage_attachments_uniqueness ON active_storage_attachments (record_type, record_id, name, blob_id);

CREATE TABLE active_storage_variant_records (
    id bigserial PRIMARY KEY,
    blob_id bigint NOT NULL REFERENCES active_storage_blobs (id),
    variation_digest varchar NOT NULL
);
CREATE UNIQUE INDEX index_active_storage_variant_records_uniqueness ON active_storage_variant_records (blob_id, variation_digest);

-- A new account gets its two sequences; a conversation and a campaign take their display id from them,
-- whatever value the INSERT or COPY supplies.

CREATE FUNCTION accounts_after_insert_row_tr() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE SEQUENCE IF NOT EXISTS %I', 'conv_dpid_seq_' || NEW.id);
    RETURN NULL;
END;
$$;
CREATE TRIGGER accounts_after_insert_row_tr AFTER INSERT ON accounts
    FOR EACH ROW EXECUTE FUNCTION accounts_after_insert_row_tr();

CREATE FUNCTION camp_dpid_before_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE SEQUENCE IF NOT EXISTS %I', 'camp_dpid_seq_' || NEW.id);
    RETURN NULL;
END;
$$;
CREATE TRIGGER camp_dpid_before_insert AFTER INSERT ON accounts
    FOR EACH ROW EXECUTE FUNCTION camp_dpid_before_insert();

CREATE FUNCTION conversations_before_insert_row_tr() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.display_id := nextval('conv_dpid_seq_' || NEW.account_id);
    RETURN NEW;
END;
$$;
CREATE TRIGGER conversations_before_insert_row_tr BEFORE INSERT ON conversations
    FOR EACH ROW EXECUTE FUNCTION conversations_before_insert_row_tr();

CREATE FUNCTION campaigns_before_insert_row_tr() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.display_id := nextval('camp_dpid_seq_' || NEW.account_id);
    RETURN NEW;
END;
$$;
CREATE TRIGGER campaigns_before_insert_row_tr BEFORE INSERT ON campaigns
    FOR EACH ROW EXECUTE FUNCTION campaigns_before_insert_row_tr();

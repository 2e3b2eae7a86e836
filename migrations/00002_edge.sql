-- +goose Up
-- A service token may be pinned to documents: hashes of the only ones it may run, in hexadecimal. Empty is no limit.
ALTER TABLE cloakroom.service_tokens ADD COLUMN documents text[] NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE cloakroom.service_tokens DROP COLUMN documents;

package main

// The floor's statements: one round trip for each workload, on Chatwoot's own columns and the sealed tables. A dash of
// judgement is in them that a general server cannot have: they read nothing that the answer does not show.

// What an agent may see, and the newest message, are Chatwoot's rules: inbox membership for a list, membership or team
// for one conversation; the newest message is of any type, found by the index over conversation and type.
const floorInbox = `
SELECT c.id::int8, c.display_id::int8, c.last_activity_at, COALESCE(c.cached_label_list, ''),
       (SELECT count(*) FROM (SELECT 1 FROM messages x WHERE x.conversation_id = c.id AND x.account_id = c.account_id AND x.message_type = 0
         AND (c.agent_last_seen_at IS NULL OR x.created_at > c.agent_last_seen_at) LIMIT 10) unread),
       u.id::int8, COALESCE(NULLIF(u.display_name, ''), u.name),
       ct.id::int8, ct.name, s.row_version, k.contact_id, k.subject_key_id, k.key_sealed, s.email_sealed, s.phone_number_sealed, s.name_sealed,
       m.id, m.message_type, m.created_at, ms.row_version, mk.contact_id, mk.subject_key_id, mk.key_sealed, ms.content_sealed
FROM (SELECT * FROM conversations c WHERE c.account_id = $1 AND c.status = 0 AND c.assignee_id = $2
       AND c.inbox_id IN (SELECT im.inbox_id FROM inbox_members im WHERE im.user_id = $2)
       ORDER BY c.last_activity_at DESC, c.id DESC LIMIT 26) c
JOIN contacts ct ON ct.id = c.contact_id AND ct.account_id = c.account_id
JOIN users u ON u.id = c.assignee_id
JOIN LATERAL (SELECT n.* FROM generate_series(0, 3) kind(n), LATERAL (SELECT x.id::int8, x.message_type, x.created_at FROM messages x
       WHERE x.conversation_id = c.id AND x.account_id = c.account_id AND x.message_type = kind.n
       ORDER BY x.created_at DESC, x.id DESC LIMIT 1) n ORDER BY n.created_at DESC, n.id DESC LIMIT 1) m ON true
JOIN cloakroom.contacts s ON s.account_id = c.account_id AND s.contact_id = ct.id
JOIN cloakroom.subject_keys k ON k.account_id = s.account_id AND k.subject_key_id = s.subject_key_id
JOIN cloakroom.messages ms ON ms.account_id = c.account_id AND ms.conversation_id = c.id AND ms.message_id = m.id
JOIN cloakroom.subject_keys mk ON mk.account_id = ms.account_id AND mk.subject_key_id = ms.subject_key_id
ORDER BY c.last_activity_at DESC, c.id DESC`

const floorConversation = `
SELECT c.id::int8, c.display_id::int8, c.status,
       ct.id::int8, ct.name, s.row_version, k.contact_id, k.subject_key_id, k.key_sealed, s.email_sealed, s.phone_number_sealed, s.name_sealed
FROM (SELECT * FROM conversations c WHERE c.account_id = $1 AND c.display_id = $2
       AND (c.inbox_id IN (SELECT im.inbox_id FROM inbox_members im WHERE im.user_id = $3)
         OR c.team_id IN (SELECT tm.team_id FROM team_members tm WHERE tm.user_id = $3))) c
JOIN contacts ct ON ct.id = c.contact_id AND ct.account_id = c.account_id
JOIN cloakroom.contacts s ON s.account_id = c.account_id AND s.contact_id = ct.id
JOIN cloakroom.subject_keys k ON k.account_id = s.account_id AND k.subject_key_id = s.subject_key_id`

// A sender who is a contact is the conversation's own in this data, so its name is at hand.
const floorThread = `
SELECT m.id::int8, m.message_type, m.status, m.created_at, m.sender_type, m.sender_id, COALESCE(NULLIF(u.display_name, ''), u.name, b.name, ''),
       s.row_version, k.contact_id, k.subject_key_id, k.key_sealed, s.content_sealed
FROM (SELECT * FROM messages m WHERE m.account_id = $1
       AND m.conversation_id = (SELECT o.id FROM conversations o WHERE o.account_id = $1 AND o.display_id = $2)
       ORDER BY m.created_at DESC, m.id DESC LIMIT 51) m
LEFT JOIN users u ON m.sender_type = 'User' AND u.id = m.sender_id
LEFT JOIN agent_bots b ON m.sender_type = 'AgentBot' AND b.id = m.sender_id
JOIN cloakroom.messages s ON s.account_id = m.account_id AND s.conversation_id = m.conversation_id AND s.message_id = m.id
JOIN cloakroom.subject_keys k ON k.account_id = s.account_id AND k.subject_key_id = s.subject_key_id
ORDER BY m.created_at DESC, m.id DESC`

// The first page and the next ones are two statements, so that each has the plan it needs.
const (
	floorContactsFirst = floorContactsHead + floorContactsTail
	floorContactsAfter = floorContactsHead + ` AND (ct.last_activity_at, ct.id) < ($3, $4)` + floorContactsTail

	floorContactsHead = `
SELECT ct.id::int8, ct.name, ct.last_activity_at, v.id, v.display_id, v.status, v.last_activity_at,
       s.row_version, k.contact_id, k.subject_key_id, k.key_sealed, s.email_sealed, s.phone_number_sealed, s.name_sealed, s.custom_attributes_sealed
FROM (SELECT * FROM contacts ct WHERE ct.account_id = $1`

	floorContactsTail = `
       ORDER BY ct.last_activity_at DESC NULLS LAST, ct.id DESC LIMIT 15) ct
LEFT JOIN LATERAL (SELECT c.id::int8, c.display_id::int8, c.status, c.last_activity_at FROM conversations c
       WHERE c.account_id = $1 AND c.contact_id = ct.id AND c.inbox_id IN (SELECT im.inbox_id FROM inbox_members im WHERE im.user_id = $2)
       ORDER BY c.last_activity_at DESC, c.id DESC LIMIT 1) v ON true
JOIN cloakroom.contacts s ON s.account_id = ct.account_id AND s.contact_id = ct.id
JOIN cloakroom.subject_keys k ON k.account_id = s.account_id AND k.subject_key_id = s.subject_key_id
ORDER BY ct.last_activity_at DESC NULLS LAST, ct.id DESC`
)

const floorLookup = `
SELECT ct.id::int8, ct.name, s.row_version, k.contact_id, k.subject_key_id, k.key_sealed, s.email_sealed, s.phone_number_sealed, s.name_sealed
FROM cloakroom.lookup_tags l
JOIN contacts ct ON ct.account_id = l.account_id AND ct.id = l.contact_id
JOIN cloakroom.contacts s ON s.account_id = l.account_id AND s.contact_id = l.contact_id
JOIN cloakroom.subject_keys k ON k.account_id = s.account_id AND k.subject_key_id = s.subject_key_id
WHERE l.account_id = $1 AND l.field = 1 AND l.generation = $2 AND l.tag_index = $3 ORDER BY ct.id LIMIT 1`

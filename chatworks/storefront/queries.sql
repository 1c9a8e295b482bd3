-- name: add_visitor
INSERT INTO web_visitor (outlet_id, id, channel_id, secret_hash, language, user_agent, created_at)
VALUES (%(outlet_id)s, %(id)s, %(channel_id)s, %(hash)s, %(language)s, %(user_agent)s, %(now)s)

-- name: signed_visitor
-- The visitor of somebody whom a messenger knows: the same one at each sign-in.
INSERT INTO web_visitor (outlet_id, id, channel_id, secret_hash, language, user_agent, created_at,
                         signed_channel_id, signed_vendor_id, signed_name)
VALUES (%(outlet_id)s, %(id)s, %(channel_id)s, %(hash)s, %(language)s, %(user_agent)s, %(now)s,
        %(signed_channel_id)s, %(signed_vendor_id)s, %(signed_name)s)
ON CONFLICT (outlet_id, channel_id, signed_channel_id, signed_vendor_id)
    WHERE signed_channel_id IS NOT NULL
    DO UPDATE SET signed_name = EXCLUDED.signed_name, user_agent = EXCLUDED.user_agent
RETURNING id

-- name: visitor
SELECT v.id, v.channel_id, COALESCE(p.language, v.language), c.id, v.signed_name
FROM web_visitor v
LEFT JOIN conversation c ON c.outlet_id = v.outlet_id AND c.channel_id = v.channel_id
                        AND c.thread = replace(v.id::text, '-', '')
LEFT JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
WHERE v.secret_hash = %(hash)s AND v.outlet_id = %(outlet_id)s

-- name: mark_seen
UPDATE conversation SET seen_seq = LEAST(last_seq, %(seq)s)
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND seen_seq < LEAST(last_seq, %(seq)s)

-- name: marks
SELECT read_seq, seen_seq FROM conversation WHERE outlet_id = %(outlet_id)s AND id = %(id)s

-- name: manager
SELECT c.outlet_id, c.channel_id, p.vendor_id
FROM conversation c
JOIN channel h ON h.outlet_id = c.outlet_id AND h.id = c.channel_id
JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
WHERE c.outlet_id = %(outlet_id)s AND c.id = %(conversation_id)s
  AND h.manages_bots AND NOT c.is_group

-- name: add_request
INSERT INTO bot_request (outlet_id, id, manager_outlet, manager_channel, conversation_id, person,
                         expires_at)
VALUES (%(outlet_id)s, %(id)s, %(manager_outlet)s, %(manager_channel)s, %(conversation_id)s,
        %(person)s, %(expires_at)s)

-- name: spend_request
-- The newest request of this person is spent by the bot that they made; by no bot twice.
UPDATE bot_request
SET bot_id = %(bot_id)s, username = %(username)s, token_wanted = true, token_at = %(now)s
WHERE (outlet_id, id) = (
    SELECT outlet_id, id FROM bot_request
    WHERE manager_channel = %(channel_id)s AND person = %(person)s AND bot_id IS NULL
      AND expires_at > %(now)s
    ORDER BY expires_at DESC LIMIT 1 FOR UPDATE SKIP LOCKED
) AND NOT EXISTS (SELECT 1 FROM bot_request WHERE bot_id = %(bot_id)s)

-- name: renew
UPDATE bot_request SET token_wanted = true, token_tries = 0, token_at = %(now)s
WHERE manager_channel = %(channel_id)s AND bot_id = %(bot_id)s

-- name: wanted
SELECT b.outlet_id, b.id, b.manager_outlet, b.manager_channel, b.conversation_id, b.bot_id,
       b.username, b.channel_id, b.token_tries, p.language
FROM bot_request b
JOIN conversation c ON c.outlet_id = b.manager_outlet AND c.id = b.conversation_id
JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
WHERE b.token_wanted AND b.token_at <= %(now)s AND b.manager_channel = ANY(%(managers)s::uuid[])
ORDER BY b.outlet_id, b.id

-- name: postpone
UPDATE bot_request
SET token_tries = token_tries + 1, token_at = %(at)s, token_wanted = token_tries + 1 < %(most)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND token_wanted

-- name: fetched
UPDATE bot_request SET token_wanted = false
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND token_wanted

-- name: name_channel
UPDATE bot_request SET channel_id = %(channel_id)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s

-- name: members
-- Who works here today; a visit that has ended is over by itself.
SELECT m.id, m.name, m.role, m.joined_at, m.ends_at,
       (SELECT max(s.last_seen_at) FROM session s
        WHERE s.account_id = m.account_id AND s.membership_id = m.id)
FROM membership m
WHERE m.outlet_id = %(outlet_id)s AND m.left_at IS NULL
  AND (m.ends_at IS NULL OR m.ends_at > %(now)s)
ORDER BY m.joined_at, m.id

-- name: lock_members
-- In key order: two changes of one outlet's people come one after the other.
SELECT m.id, m.name, m.role, m.joined_at, m.ends_at, NULL::timestamptz
FROM membership m
WHERE m.outlet_id = %(outlet_id)s AND m.left_at IS NULL
  AND (m.ends_at IS NULL OR m.ends_at > %(now)s)
ORDER BY m.id
FOR UPDATE

-- name: set_role
UPDATE membership SET role = %(role)s WHERE outlet_id = %(outlet_id)s AND id = %(id)s

-- name: end_membership
UPDATE membership SET left_at = %(now)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND left_at IS NULL

-- name: forget_staff_chats
DELETE FROM staff_chat WHERE outlet_id = %(outlet_id)s AND operator_id = %(id)s

-- name: add_visit
INSERT INTO membership (outlet_id, id, account_id, name, role, joined_at, ends_at, is_visit)
VALUES (%(outlet_id)s, %(id)s, %(account_id)s, %(name)s, %(role)s, %(now)s, %(ends_at)s, true)
ON CONFLICT DO NOTHING

-- name: end_old_visits
-- A visit that is over makes room for the next one.
UPDATE membership SET left_at = ends_at
WHERE outlet_id = %(outlet_id)s AND account_id = %(account_id)s AND left_at IS NULL
  AND ends_at <= %(now)s

-- name: open_invitations
SELECT outlet_id, id, email, role, invited_by, expires_at FROM invitation
WHERE outlet_id = %(outlet_id)s AND accepted_at IS NULL AND withdrawn_at IS NULL
  AND expires_at > %(now)s
ORDER BY created_at, id

-- name: add_invitation
INSERT INTO invitation (outlet_id, id, email, role, invited_by, created_at, expires_at)
VALUES (%(outlet_id)s, %(id)s, %(email)s, %(role)s, %(invited_by)s, %(now)s, %(expires_at)s)

-- name: withdraw
UPDATE invitation SET withdrawn_at = %(now)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND accepted_at IS NULL AND withdrawn_at IS NULL

-- name: invitation
-- One that can be accepted now, locked, with the role that its sender has today.
SELECT i.outlet_id, i.id, i.email, i.role, i.invited_by, i.expires_at, m.role
FROM invitation i
JOIN membership m ON m.outlet_id = i.outlet_id AND m.id = i.invited_by AND m.left_at IS NULL
WHERE i.outlet_id = %(outlet_id)s AND i.id = %(id)s AND i.accepted_at IS NULL
  AND i.withdrawn_at IS NULL AND i.expires_at > %(now)s
FOR UPDATE OF i

-- name: accept
UPDATE invitation SET accepted_at = %(now)s, membership_id = %(membership_id)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s

-- name: ask_to_visit
INSERT INTO visit_request (outlet_id, id, account_id, reason, asked_at)
VALUES (%(outlet_id)s, %(id)s, %(account_id)s, %(reason)s, %(now)s)
ON CONFLICT (outlet_id, account_id) WHERE answered_at IS NULL DO NOTHING

-- name: visit_requests
SELECT r.outlet_id, r.id, r.account_id, a.name, r.reason, r.asked_at
FROM visit_request r
JOIN account a ON a.id = r.account_id
WHERE r.outlet_id = %(outlet_id)s AND r.answered_at IS NULL
ORDER BY r.asked_at, r.id

-- name: lock_visit_request
SELECT r.outlet_id, r.id, r.account_id, a.name, r.reason, r.asked_at
FROM visit_request r
JOIN account a ON a.id = r.account_id
JOIN platform_role p ON p.account_id = r.account_id
WHERE r.outlet_id = %(outlet_id)s AND r.id = %(id)s AND r.answered_at IS NULL
LIMIT 1
FOR UPDATE OF r

-- name: answer_visit
UPDATE visit_request SET answered_at = %(now)s, membership_id = %(membership_id)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND answered_at IS NULL

-- name: grant_platform_role
INSERT INTO platform_role (account_id, role, granted_at)
VALUES (%(account_id)s, %(role)s, %(now)s)
ON CONFLICT (account_id, role) DO NOTHING

-- name: platform_roles
SELECT role FROM platform_role WHERE account_id = %(account_id)s ORDER BY role

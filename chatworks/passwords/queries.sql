-- name: stored
SELECT p.hash, p.enough_alone FROM account_password p JOIN account a ON a.id = p.account_id
WHERE p.account_id = %(account_id)s AND a.closed_at IS NULL

-- name: put
INSERT INTO account_password (account_id, hash, enough_alone, changed_at)
VALUES (%(account_id)s, %(hash)s, %(alone)s, %(now)s)
ON CONFLICT (account_id) DO UPDATE
SET hash = excluded.hash, enough_alone = excluded.enough_alone, changed_at = excluded.changed_at

-- name: stands
SELECT 1 FROM account_password WHERE account_id = %(account_id)s AND hash = %(hash)s FOR SHARE

-- name: rehash
-- Only of the hash that was verified: a change in between stands.
UPDATE account_password SET hash = %(hash)s WHERE account_id = %(account_id)s AND hash = %(old)s

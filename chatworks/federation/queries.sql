-- name: add_attempt
INSERT INTO federation_attempt (state_hash, browser_hash, provider, purpose, account_id, back,
                                language, expires_at)
VALUES (%(state)s, %(browser)s, %(provider)s, %(purpose)s, %(account_id)s, %(back)s,
        %(language)s, %(expires_at)s)

-- name: spend_attempt
-- Deleting is spending: of any number of callers one gets it, in the browser that began it.
DELETE FROM federation_attempt
WHERE state_hash = %(state)s AND browser_hash = %(browser)s AND provider = %(provider)s
  AND expires_at > %(now)s
RETURNING provider, purpose, account_id, back, language

-- name: forget_attempts
DELETE FROM federation_attempt WHERE state_hash IN (
    SELECT state_hash FROM federation_attempt WHERE expires_at < %(now)s
    ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)

-- name: owner
SELECT i.account_id FROM account_identity i JOIN account a ON a.id = i.account_id
WHERE i.issuer = %(issuer)s AND i.subject = %(subject)s AND a.closed_at IS NULL

-- name: used
UPDATE account_identity SET used_at = %(now)s
WHERE issuer = %(issuer)s AND subject = %(subject)s

-- name: link
-- An identity is one account's, whoever comes first; the other gets no row.
INSERT INTO account_identity (account_id, id, provider, issuer, subject, linked_at)
VALUES (%(account_id)s, %(id)s, %(provider)s, %(issuer)s, %(subject)s, %(now)s)
ON CONFLICT (issuer, subject) DO NOTHING

-- name: identities
SELECT id, provider, issuer, subject, linked_at, used_at FROM account_identity
WHERE account_id = %(account_id)s ORDER BY linked_at, id

-- name: lock_account
SELECT id FROM account WHERE id = %(account_id)s AND closed_at IS NULL FOR UPDATE

-- name: ways_in
-- What else signs in: other identities, a password, a verified address, to which codes are sent.
SELECT (SELECT count(*) FROM account_identity
        WHERE account_id = %(account_id)s AND provider = ANY(%(providers)s::text[]))
     + (SELECT count(*) FROM account_address
        WHERE account_id = %(account_id)s AND verified_at IS NOT NULL)

-- name: unlink
DELETE FROM account_identity WHERE account_id = %(account_id)s AND id = %(id)s

-- A route names conversations without foreign keys, as recipients of broadcasts do. With them two
-- transactions that told the same person something locked the conversation shared, for the key, and
-- then both for writing: each waited for the other, and one of the notices failed (decision 0040).
ALTER TABLE route DROP CONSTRAINT route_outlet_id_conversation_id_fkey;
ALTER TABLE route DROP CONSTRAINT route_outlet_id_sent_to_fkey;

-- Leases that ran out are looked for every few seconds; few conversations are a person's.
CREATE INDEX conversation_lease ON conversation (speaker_until) WHERE speaker = 'human';

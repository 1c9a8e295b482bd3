-- What a turn writes touches as few indexes as it can, and stays as the engine encoded it.

-- The console's list is ordered by the minute first: the index need not learn of a second message
-- within a minute, so that the row changes in place.
ALTER TABLE conversation ADD COLUMN last_minute timestamp NOT NULL  -- of last_at, UTC
    GENERATED ALWAYS AS (date_trunc('minute', last_at AT TIME ZONE 'UTC')) STORED;
DROP INDEX conversation_latest;
CREATE INDEX conversation_latest ON conversation (outlet_id, last_minute DESC);

-- Who looks for a message's part wants the vendor's id, which a queued part does not have.
DROP INDEX outbox_part_message;
CREATE INDEX outbox_part_message ON outbox_part (outlet_id, conversation_id, message_seq)
    WHERE vendor_id IS NOT NULL;

-- No query looks inside: kept as text, neither is taken apart on the way in nor written anew on the
-- way out.
ALTER TABLE message ALTER COLUMN content TYPE json;
ALTER TABLE journal ALTER COLUMN entries TYPE json;

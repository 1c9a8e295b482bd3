-- name: waiting
-- Each count is bounded: it looks at open rows only, and what is beyond ninety-nine is "many".
SELECT
    (SELECT count(*) FROM (
        SELECT 1 FROM sales_order
        WHERE outlet_id = %(outlet_id)s AND status IN ('placed', 'accepted', 'out_for_delivery')
          AND status = 'placed'
        LIMIT %(most)s) AS orders),
    (SELECT count(*) FROM (
        SELECT 1 FROM conversation
        WHERE outlet_id = %(outlet_id)s AND last_minute >= %(since)s::timestamptz AT TIME ZONE 'UTC'
          AND speaker = 'human' AND last_seq > read_seq
        LIMIT %(most)s) AS people),
    (SELECT count(*) FROM (
        SELECT 1 FROM inbox_pending
        WHERE outlet_id = %(outlet_id)s AND parked_at IS NOT NULL
        LIMIT %(most)s) AS parked)

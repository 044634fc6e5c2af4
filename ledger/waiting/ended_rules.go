package waiting

import (
	"context"
	"fmt"
)

// sqlReturnEnded makes rejects of events that wait by rules which were taken back, or
// ended before the event came: the ledger takes no operation by those, and a retry maps
// them by others. One that was shown as a reject before stays that. Reads the whole
// table; waits for whoever records one of them.
const sqlReturnEnded = `
WITH ended AS (
    DELETE FROM waiting w
     USING mapping_ends e
     WHERE e.version = w.referral ->> 'MappingVersion' AND w.broker_time >= e.ends_at
    RETURNING w.*
), shown AS (
    INSERT INTO rejects (stream, stream_created, stream_seq, subject, broker_time, headers, payload, event_source, event_id, event_type, reason_code, reason)
    SELECT stream, stream_created, stream_seq, subject, broker_time, headers, payload, event_source, event_id, event_type,
           'origin_unknown', 'waited for ' || (referral ->> 'Origin') || ' by rules that are not in force any more; a retry reads it by those that are'
      FROM ended
     ORDER BY broker_time, stream_seq
    ON CONFLICT ON CONSTRAINT rejects_one_per_message DO NOTHING
)
SELECT count(*) FROM ended`

// ReturnEnded makes rejects of what waits by rules that are not in force for it any
// more, and says how many there were. Left among the others, one would keep all of a
// batch from being recorded.
func (w *Waiting) ReturnEnded(ctx context.Context) (returned int, err error) {
	if err := w.pool.QueryRow(ctx, sqlReturnEnded).Scan(&returned); err != nil {
		return 0, fmt.Errorf("return what waits by ended rules: %w", err)
	}
	return returned, nil
}

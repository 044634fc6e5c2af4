package desk

import (
	"context"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// MemberReject is an open reject whose event names a member.
type MemberReject struct {
	ID   int64
	Code ledger.RejectCode
}

// memberRejectsLooked and memberRejectsFound bound the search for rejects.
const (
	memberRejectsLooked = 50_000
	memberRejectsFound  = 100
)

// sqlMemberRejects looks through the newest open rejects for the bytes of a
// text: it reads rejects_pkey backwards, or rejects_open_idx, and the payloads
// of what is open. Locks nothing; no row means that none has the text.
const sqlMemberRejects = `
SELECT id, reason_code, payload
  FROM (SELECT id, reason_code, payload FROM rejects WHERE resolved_at IS NULL ORDER BY id DESC LIMIT $2) AS newest
 WHERE position(convert_to($1, 'UTF8') IN payload) > 0
 ORDER BY id DESC`

// MemberRejects finds open rejects whose event names a member by one of the
// texts (ids or codes): the newest 50,000 are looked through, and at most 100
// are returned, the newest first. more says that there are others among them.
// It looks for the field and its value in the raw bytes, which need not be JSON.
func (d *Desk) MemberRejects(ctx context.Context, texts []string) (found []MemberReject, more bool, err error) {
	seen := map[int64]bool{}
	for _, text := range texts {
		if text == "" {
			continue
		}
		names, err := regexp.Compile(`"(?:customerId|userCode|memberId)"\s*:\s*"?` + regexp.QuoteMeta(text) + `(?:["\s,}]|$)`)
		if err != nil {
			return nil, false, fmt.Errorf("find rejects of member: %w", err)
		}
		rows, err := d.pool.Query(ctx, sqlMemberRejects, text, memberRejectsLooked)
		if err != nil {
			return nil, false, fmt.Errorf("find rejects of member: %w", err)
		}
		var r MemberReject
		var payload []byte
		_, err = pgx.ForEachRow(rows, []any{&r.ID, &r.Code, &payload}, func() error {
			switch {
			case seen[r.ID] || !names.Match(payload):
			case len(found) == memberRejectsFound:
				more = true
			default:
				seen[r.ID], found = true, append(found, r)
			}
			return nil
		})
		if err != nil {
			return nil, false, fmt.Errorf("find rejects of member: %w", err)
		}
	}
	return found, more, nil
}

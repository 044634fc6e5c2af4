package money

import (
	"time"

	"pointsledger/evidence"
	"pointsledger/reconcile/feed"
)

// Records is a vendor's export of points records, open to be read once for what was redeemed and
// expired.
type Records struct {
	file   *feed.File
	values *Values
	counts RecordCounts
}

// RecordCounts are the records of an export that are no redemptions, as far as it was read.
type RecordCounts struct {
	// Ours end with a reference of this ledger's: take-backs, and grants.
	Ours int64 `json:"ours"`
	// Given are those that gave points, by others.
	Given int64 `json:"given"`
	// LeftOut are rows that the map or the file says are no records.
	feed.LeftOut
}

// OpenRecords opens an export as its map says. settle: the member is needed, to know who granted the
// points. The error is of the feed. The caller closes.
func OpenRecords(path string, m *feed.Map, v *Values, settle bool) (*Records, error) {
	needs := feed.Needs{Filled: []feed.Field{feed.Points, feed.At}, Columns: []feed.Field{feed.Text}}
	if settle {
		needs.Filled = append(needs.Filled, feed.Member)
	}
	file, err := m.Open(path, needs)
	if err != nil {
		return nil, err
	}
	return &Records{file: file, values: v}, nil
}

// Close closes the export.
func (r *Records) Close() error { return r.file.Close() }

// Counts are those of what was read.
func (r *Records) Counts() RecordCounts {
	counts := r.counts
	counts.LeftOut = r.file.LeftOut()
	return counts
}

// Redemptions are the records that took points from a member and do not end with a reference of
// ours. The first row that cannot be read ends them: of money nothing is left out.
func (r *Records) Redemptions() Redemptions {
	return func(yield func(Redemption, error) bool) {
		for row, err := range r.file.Rows() {
			switch {
			case err != nil:
				yield(Redemption{}, err)
				return
			case evidence.ReferenceAtEnd(row.Text) != "":
				r.counts.Ours++
			case row.Points >= 0:
				r.counts.Given++
			default:
				if !yield(r.redemption(&row), nil) {
					return
				}
			}
		}
	}
}

func (r *Records) redemption(row *feed.Row) Redemption {
	found := Redemption{Member: row.Member, Shop: row.Shop, Points: -row.Points}
	at := row.At
	if !row.DateOnly { // a date is one wherever it is read
		at = at.In(r.values.Zone)
	}
	found.Day, found.Expired = Day(at.Format(time.DateOnly)), r.values.expired(row.Text)
	return found
}

package months

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/ledger"
)

// Account is the vendor account of a month.
const Account = "zhimai"

// Book writes what the ledger posted into an empty ledger.
func (m *Month) Book(ctx context.Context, pool *pgxpool.Pool) error {
	columns := []string{"id", "target", "kind", "biz_id", "business_key", "member_id", "points", "source_type", "points_channel", "reason", "reference", "business_date",
		"mapping_version", "event_source", "event_id", "event_type", "event_time", "event_subject", "stream_seq", "broker_time", "data", "recorded_at"}
	if _, err := pool.CopyFrom(ctx, pgx.Identifier{"operations"}, columns, pgx.CopyFromSlice(len(m.Postings), func(i int) ([]any, error) {
		p := &m.Postings[i]
		return []any{p.ID, Account, "points_add", string(p.BizID), p.Order, p.Member, p.Points, 1, 3, p.Reason, p.Reference, p.SentAt, "test", "shop-sh", p.Order, "order.paid",
			p.SentAt, "points.events.order.paid", p.ID, p.SentAt, "{}", p.SentAt}, nil
	})); err != nil {
		return fmt.Errorf("write operations: %w", err)
	}
	columns = []string{"operation_id", "kind", "evidence", "member_id", "attempts", "posted_at", "first_sent_at"}
	if _, err := pool.CopyFrom(ctx, pgx.Identifier{"postings"}, columns, pgx.CopyFromSlice(len(m.Postings), func(i int) ([]any, error) {
		p := &m.Postings[i]
		kind, how := ledger.Posted, ledger.Answered
		if p.Voided {
			kind, how = ledger.Voided, ledger.Manual
		}
		return []any{p.ID, string(kind), string(how), p.Member, 1, p.PostedAt, p.SentAt}, nil
	})); err != nil {
		return fmt.Errorf("write postings: %w", err)
	}
	if _, err := pool.Exec(ctx, `ANALYZE operations, postings`); err != nil {
		return fmt.Errorf("analyze: %w", err)
	}
	return nil
}

// InOrder are the vendor's records in the order of their times.
func (m *Month) InOrder() []Record {
	return slices.SortedStableFunc(slices.Values(m.Records), func(a, b Record) int { return a.At.Compare(b.At) })
}

// CSVMap is the map of what WriteCSV writes.
func (m *Month) CSVMap() string {
	return "columns: {member: member, points: points, text: text, at: time}\nzone: " + m.Zone.String() + "\n"
}

// WriteCSV writes the vendor's records as an export, in the month's zone.
func (m *Month) WriteCSV(to io.Writer) error {
	w := csv.NewWriter(to)
	if err := w.Write([]string{"time", "member", "points", "text"}); err != nil {
		return err
	}
	for _, r := range m.InOrder() {
		if err := w.Write([]string{r.At.In(m.Zone).Format(time.DateTime), r.Member, strconv.FormatInt(r.Points, 10), r.Text}); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

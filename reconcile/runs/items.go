package runs

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/desk/privacy"
	"pointsledger/reconcile/match"
)

// ItemID is an item's place: a run and a number in it, written 12-3.
type ItemID struct {
	Run int64
	No  int
}

// String writes it; empty for no item.
func (id ItemID) String() string {
	if id == (ItemID{}) {
		return ""
	}
	return fmt.Sprintf("%d-%d", id.Run, id.No)
}

// MarshalText implements encoding.TextMarshaler.
func (id ItemID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *ItemID) UnmarshalText(text []byte) (err error) {
	read, ok := ParseItemID(string(text))
	if !ok && len(text) > 0 {
		return fmt.Errorf("want an item such as 12-3, got %q", text)
	}
	*id = read
	return nil
}

// ParseItemID reads what String writes; ok is false for anything else.
func ParseItemID(text string) (id ItemID, ok bool) {
	run, no, found := strings.Cut(text, "-")
	r, err1 := strconv.ParseInt(run, 10, 64)
	n, err2 := strconv.Atoi(no)
	return ItemID{r, n}, found && err1 == nil && err2 == nil && r > 0 && n > 0
}

// ItemView is an item without private data, unless it was asked for. Points are signed.
type ItemView struct {
	Kind     match.Kind `json:"kind"`
	Account  string     `json:"account"`
	MemberID string     `json:"member_id"`
	// OperationID, BizID, BusinessKey and Reference are those of the first operation; 0 and
	// empty for none.
	OperationID  int64      `json:"operation_id"`
	BizID        string     `json:"biz_id"`
	BusinessKey  string     `json:"business_key"`
	Reference    string     `json:"reference"`
	LedgerPoints int64      `json:"ledger_points"`
	VendorPoints int64      `json:"vendor_points"`
	At           *time.Time `json:"at"`
	Evidence     string     `json:"evidence"`
	// Proposal is what to do, in words and as a command; whoever shows the item fills it.
	Proposal string `json:"proposal"`

	Item ItemID     `json:"item"`
	Step match.Step `json:"step"`
	// OpenPoints are still to be moved; of in_transit alone.
	OpenPoints int64   `json:"open_points"`
	Operations []int64 `json:"operations"`
	// Records counts those that it claims.
	Records      int        `json:"records"`
	Owner        string     `json:"owner"`
	Note         string     `json:"note"`
	ExplainedBy  string     `json:"explained_by"`
	ExplainedAt  *time.Time `json:"explained_at"`
	ExplainedWhy string     `json:"explained_why"`
}

// ItemsAsked asks for items of a run.
type ItemsAsked struct {
	Run int64
	// Kind is one of them; empty: all differences. in_transit is asked for by its name, and so
	// are KindNotOurs, KindWithoutRecords and KindNotRead.
	Kind match.Kind
	// Unexplained: only those that nobody has explained.
	Unexplained bool
	// Unmasked leaves mobile numbers in member ids; see MaySeeMembers.
	Unmasked bool
}

// sqlItems reads a run's items in their order, some at once (reconcile_items_pkey).
const sqlItems = `
SELECT no, kind, account, member_id, COALESCE(operation_id, 0), COALESCE(biz_id, ''), COALESCE(business_key, ''), COALESCE(reference, ''), ledger_points, vendor_points,
       open_points, at, evidence, step, operations, cardinality(records), COALESCE(owner, ''), COALESCE(note, ''), COALESCE(explained_by, ''), explained_at,
       COALESCE(explained_why, '')
  FROM reconcile_items
 WHERE run_id = @run AND no > @after AND (kind = @kind::text OR @kind = '' AND differs) AND (NOT @unexplained OR explained_at IS NULL)
 ORDER BY no
 LIMIT @most`

// chunkItems are read at once.
const chunkItems = 1000

// Items hands the items of a run over, in their order, until each returns an error, which
// is the error then. ErrNoRun and ErrNotDone are about the run.
func (r *Runs) Items(ctx context.Context, a ItemsAsked, each func(*ItemView) error) error {
	var state string
	if err := r.pool.QueryRow(ctx, `SELECT COALESCE((SELECT state FROM reconcile_runs WHERE id = $1), '')`, a.Run).Scan(&state); err != nil {
		return fmt.Errorf("look for run %d: %w", a.Run, err)
	}
	switch state {
	case "":
		return ErrNoRun
	case stateDone:
	default:
		return ErrNotDone
	}
	next := r.items
	if a.Kind == KindNotOurs || a.Kind == KindWithoutRecords || a.Kind == KindNotRead {
		next = r.listed
	}
	for after := int64(0); ; {
		chunk, last, err := next(ctx, &a, after)
		if err != nil {
			return err
		}
		for i := range chunk {
			if !a.Unmasked {
				chunk[i].mask()
			}
			if err := each(&chunk[i]); err != nil {
				return err
			}
		}
		if after = last; len(chunk) < chunkItems {
			return nil
		}
	}
}

// items reads the next items behind one; last is the number of the last.
func (r *Runs) items(ctx context.Context, a *ItemsAsked, after int64) (chunk []ItemView, last int64, err error) {
	rows, err := r.pool.Query(ctx, sqlItems, pgx.StrictNamedArgs{"run": a.Run, "after": after, "kind": string(a.Kind), "unexplained": a.Unexplained, "most": chunkItems})
	if err != nil {
		return nil, 0, fmt.Errorf("read items of run %d: %w", a.Run, err)
	}
	chunk, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (ItemView, error) {
		v, err := scanItem(row, a.Run)
		last = int64(v.Item.No)
		return v, err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read items of run %d: %w", a.Run, err)
	}
	return chunk, last, nil
}

func scanItem(row pgx.Row, run int64) (v ItemView, err error) {
	v.Item.Run = run
	err = row.Scan(&v.Item.No, &v.Kind, &v.Account, &v.MemberID, &v.OperationID, &v.BizID, &v.BusinessKey, &v.Reference, &v.LedgerPoints, &v.VendorPoints,
		&v.OpenPoints, &v.At, &v.Evidence, &v.Step, &v.Operations, &v.Records, &v.Owner, &v.Note, &v.ExplainedBy, &v.ExplainedAt, &v.ExplainedWhy)
	v.At, v.ExplainedAt = inUTC(v.At), inUTC(v.ExplainedAt)
	return v, err
}

// mask hides mobile numbers, which some vendors have for ids of members.
func (v *ItemView) mask() {
	v.MemberID, v.Evidence, v.Note = privacy.Mobiles(v.MemberID), privacy.Mobiles(v.Evidence), privacy.Mobiles(v.Note)
	v.BusinessKey, v.ExplainedWhy = privacy.Mobiles(v.BusinessKey), privacy.Mobiles(v.ExplainedWhy)
}

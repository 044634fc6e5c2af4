package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"pointsledger/ledger"
)

// RejectPlan is what a plan of kind rejects is about, besides what every plan
// has. The set is the rejects themselves, not a filter: one that comes later is
// never in it.
type RejectPlan struct {
	// Rules is the version of the rules that the person looked at; FromFile
	// tells that they came from a file and not from the workers.
	Rules    string
	FromFile bool
	// Registered is the version that the workers had registered last, empty
	// when they had none.
	Registered string
	// Refunded: what was refunded or cancelled whole since is accepted as well.
	Refunded bool
	// IDs rise.
	IDs []ledger.RejectID
}

// rejectPlanDetails is RejectPlan as the plan's details keep it.
type rejectPlanDetails struct {
	Rules      string `json:"rules"`
	FromFile   bool   `json:"rules_from_file"`
	Registered string `json:"registered_rules"`
	Refunded   bool   `json:"refunded,omitempty"`
	// Rejects are ids and ranges of ids: "1-300,302".
	Rejects string `json:"rejects"`
}

// CreateRejectPlan stores a plan to map rejects again. The error is a
// *SetSizeError when their number is not what is expected; 0 is not said, and
// then at most most are let through (0: any number).
func (d *Desk) CreateRejectPlan(ctx context.Context, actor, filterText string, p RejectPlan, expect, most int64) (Plan, error) {
	n := NewPlan{Kind: PlanOfRejects, Actor: actor, FilterText: filterText, Size: int64(len(p.IDs)), Expect: expect, MaxSize: most}
	if err := n.checkSize(n.Size); err != nil {
		return Plan{}, err
	}
	var err error
	n.Details, err = json.Marshal(rejectPlanDetails{Rules: p.Rules, FromFile: p.FromFile, Registered: p.Registered, Refunded: p.Refunded, Rejects: ranges(p.IDs)})
	if err != nil {
		return Plan{}, fmt.Errorf("create plan: %w", err)
	}
	return d.CreatePlan(ctx, n)
}

// Rejects reads the details of a plan of kind rejects.
func (p *Plan) Rejects() (RejectPlan, error) {
	var d rejectPlanDetails
	if p.Kind != PlanOfRejects {
		return RejectPlan{}, fmt.Errorf("plan %s is of kind %s, not %s", p.Name, p.Kind, PlanOfRejects)
	}
	if err := json.Unmarshal(p.Details, &d); err != nil {
		return RejectPlan{}, fmt.Errorf("read plan %s: %w", p.Name, err)
	}
	ids, err := fromRanges(d.Rejects)
	if err != nil {
		return RejectPlan{}, fmt.Errorf("read plan %s: %w", p.Name, err)
	}
	return RejectPlan{Rules: d.Rules, FromFile: d.FromFile, Registered: d.Registered, Refunded: d.Refunded, IDs: ids}, nil
}

// ranges writes rising ids as ranges.
func ranges(ids []ledger.RejectID) string {
	var b strings.Builder
	for i := 0; i < len(ids); {
		last := i
		for last+1 < len(ids) && ids[last+1] == ids[last]+1 {
			last++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(int64(ids[i]), 10))
		if last > i {
			b.WriteByte('-')
			b.WriteString(strconv.FormatInt(int64(ids[last]), 10))
		}
		i = last + 1
	}
	return b.String()
}

// maxPlanRejects bounds what a damaged plan may make of memory: 80 MB of ids.
const maxPlanRejects = 10_000_000

// fromRanges reads what ranges wrote.
func fromRanges(text string) (ids []ledger.RejectID, err error) {
	if text == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		lowest, highest, isRange := strings.Cut(part, "-")
		from, err := strconv.ParseInt(lowest, 10, 64)
		to := from
		if err == nil && isRange {
			to, err = strconv.ParseInt(highest, 10, 64)
		}
		if err != nil || from < 1 || to < from || to-from >= maxPlanRejects-int64(len(ids)) || len(ids) > 0 && from <= int64(ids[len(ids)-1]) {
			return nil, fmt.Errorf("rejects: want rising ids and ranges, got %q", part)
		}
		for id := from; id <= to; id++ {
			ids = append(ids, ledger.RejectID(id))
		}
	}
	return ids, nil
}

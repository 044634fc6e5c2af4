package carry

import (
	"cmp"
	"context"
	"slices"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/ledger"
)

// PutBackPreview is what is left of a plan of kind run, and what putting it back
// would do.
type PutBackPreview struct {
	// Plan is nil when no parked operation fits.
	*desk.Plan
	// Total and Groups are of what is left and still parked.
	Total  desk.ReplayCount   `json:"total"`
	Groups []desk.ReplayGroup `json:"groups"`
	// NoLongerParked are left of the plan, but not parked any more: they would
	// be skipped.
	NoLongerParked int64   `json:"no_longer_parked"`
	Drains         []Drain `json:"drains"`
	// Rate is what was asked for, operations a second; PutBackSeconds is how long
	// putting back takes at it. Both are 0 without one.
	Rate           int     `json:"rate"`
	PutBackSeconds float64 `json:"put_back_seconds"`

	// Stays are those of Groups that would stay parked. Of those in doubt that
	// would go, these are looked up before they are sent again, and those not.
	Stays                      []Stay `json:"-"`
	LookedUpFirst, SentUnasked int64  `json:"-"`
}

// Drain says how long an account needs for what would be put back.
type Drain struct {
	Account    string `json:"account"`
	Operations int64  `json:"operations"`
	// RatePerSecond is the configuration's, of the calls of operations; 0 is no limit: as fast as the
	// vendor answers, which nobody knows beforehand. Seconds is 0 then.
	RatePerSecond int     `json:"rate_per_second"`
	Seconds       float64 `json:"seconds"`
	// GateClosed is why no call is made there now; empty while calls are made.
	GateClosed string `json:"gate_closed"`
}

// Account is an account as it is configured here.
type Account struct {
	desk.KeyMemory
	// CodeMaxAge is the age above which a worker parks a scanned code; 0 is
	// ledger.DefaultCodeMaxAge.
	CodeMaxAge time.Duration
	// RatePerSecond is its own, 0 is no limit.
	RatePerSecond int
	// Verifies: what is in doubt is looked up before it is sent again.
	Verifies bool
}

// Stay are operations of one account that would stay parked.
type Stay struct {
	Account string
	// Blocked says why: a desk.Blocked… value.
	Blocked string
	Count   int64
	// Memory is how long the account's vendor remembers a dedup key; 0 for one that
	// is not configured.
	Memory time.Duration
}

// PreviewPutBack says what putting a plan back would do, and changes nothing. A
// plan without an ID stands for one of nothing. rate is the most operations in a
// second; 0 is no limit.
func PreviewPutBack(ctx context.Context, d *desk.Desk, plan desk.Plan, rate int, accounts []Account) (PutBackPreview, error) {
	p := PutBackPreview{Groups: []desk.ReplayGroup{}, Drains: []Drain{}, Rate: rate}
	if plan.ID == 0 {
		return p, nil
	}
	plan.Filter = privacy.Mobiles(plan.Filter)
	p.Plan = &plan
	memories, codes := make([]desk.KeyMemory, len(accounts)), make([]desk.CodeMaxAge, len(accounts))
	for i, a := range accounts {
		memories[i], codes[i] = a.KeyMemory, desk.CodeMaxAge{Account: a.Account, MaxAge: cmp.Or(a.CodeMaxAge, ledger.DefaultCodeMaxAge)}
	}
	found, err := d.PreviewPlan(ctx, plan, memories, codes)
	if err != nil {
		return p, err
	}
	gates, err := d.ClosedGates(ctx)
	if err != nil {
		return p, err
	}
	p.Total, p.Groups = found.Total, append(p.Groups, found.Groups...)
	p.NoLongerParked = max(plan.Left-p.Total.Operations, 0)
	p.Drains = drains(found.Groups, gates, accounts)
	p.sortOut(accounts)
	if rate > 0 {
		p.PutBackSeconds = float64(p.Total.Operations-p.Total.Blocked()) / float64(rate)
	}
	return p, nil
}

// sortOut says of the groups what stays, and how what is in doubt goes.
func (p *PutBackPreview) sortOut(accounts []Account) {
	for _, g := range p.Groups {
		a := accountOf(accounts, g.Account)
		if a.Verifies && g.Kind == ledger.PointsAdd { // records tell of grants alone
			p.LookedUpFirst += g.DoubtGoes
		} else {
			p.SentUnasked += g.DoubtGoes
		}
		p.stay(Stay{g.Account, desk.BlockedWorkItem, g.WorkItems, 0})
		p.stay(Stay{g.Account, desk.BlockedRefunded, g.Refunded, 0})
		p.stay(Stay{g.Account, desk.BlockedKeyMemory, g.KeyMemoryOver, a.Memory})
		p.stay(Stay{g.Account, desk.BlockedUnknownAccount, g.AccountUnknown, a.Memory})
		p.stay(Stay{g.Account, desk.BlockedMemberUnknown, g.MemberUnknown, a.Memory})
	}
}

func (p *PutBackPreview) stay(s Stay) {
	at := slices.IndexFunc(p.Stays, func(o Stay) bool { return o.Account == s.Account && o.Blocked == s.Blocked })
	switch {
	case s.Count == 0:
	case at < 0:
		p.Stays = append(p.Stays, s)
	default:
		p.Stays[at].Count += s.Count
	}
}

// accountOf is zero for one that is not configured.
func accountOf(accounts []Account, name string) Account {
	at := slices.IndexFunc(accounts, func(a Account) bool { return a.Account == name })
	if at < 0 {
		return Account{}
	}
	return accounts[at]
}

// Going tells whether anything would be put back.
func (p *PutBackPreview) Going() bool {
	return p.Plan != nil && p.Total.Operations > p.Total.Blocked() && p.CancelledAt == nil
}

// drains says for each account how long what would be put back keeps it busy.
func drains(groups []desk.ReplayGroup, gates []desk.ClosedGate, accounts []Account) []Drain {
	all := []Drain{}
	for _, g := range groups {
		n := g.Operations - g.Blocked()
		if last := len(all) - 1; last >= 0 && all[last].Account == g.Account {
			all[last].Operations += n // the groups of an account come together
			continue
		}
		gate, _ := desk.GateOf(gates, g.Account)
		all = append(all, Drain{Account: g.Account, Operations: n, RatePerSecond: accountOf(accounts, g.Account).RatePerSecond, GateClosed: gate.Reason})
	}
	for i := range all {
		if d := &all[i]; d.RatePerSecond > 0 {
			d.Seconds = float64(d.Operations) / float64(d.RatePerSecond)
		}
	}
	return all
}

// GiveUpPreview is what is left of a plan of kind void, and what giving it up would
// do.
type GiveUpPreview struct {
	Plan   string           `json:"plan"`
	Filter string           `json:"filter"`
	Total  desk.VoidGroup   `json:"total"`
	Groups []desk.VoidGroup `json:"groups"`

	// AcceptInDoubt: what is in doubt would go as well.
	AcceptInDoubt bool `json:"-"`
	// Gone were left of the plan and are not parked any more.
	Gone int64 `json:"-"`
	// CancelledAt and CancelledBy are nil and empty for a plan that may be carried
	// out.
	CancelledAt *time.Time `json:"-"`
	CancelledBy string     `json:"-"`
}

// PreviewGiveUp says what giving a plan up would do, and changes nothing.
func PreviewGiveUp(ctx context.Context, d *desk.Desk, plan desk.Plan, acceptInDoubt bool) (GiveUpPreview, error) {
	p := GiveUpPreview{Plan: plan.Name, Filter: privacy.Mobiles(plan.Filter), AcceptInDoubt: acceptInDoubt, CancelledAt: plan.CancelledAt, CancelledBy: plan.CancelledBy}
	total, groups, err := d.PreviewVoid(ctx, plan)
	if err != nil {
		return p, err
	}
	p.Total, p.Groups, p.Gone = total, append([]desk.VoidGroup{}, groups...), plan.Left-total.Operations
	return p, nil
}

// Going counts what would be given up.
func (p *GiveUpPreview) Going() int64 {
	switch {
	case p.CancelledAt != nil:
		return 0
	case p.AcceptInDoubt:
		return p.Total.Operations
	}
	return p.Total.Operations - p.Total.InDoubt
}

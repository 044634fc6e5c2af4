package overview

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/desk/workitems"
	"pointsledger/ledger"
)

// Report is what is open, and why.
type Report struct {
	At       time.Time     `json:"at"`
	Accounts []Account     `json:"accounts"`
	Rejects  []RejectCount `json:"open_rejects"`
	// WorkItems are what a person does in the vendors' back offices; Parked of the
	// accounts counts them, too.
	WorkItems []workitems.Sum `json:"work_items"`
	// Next says what a person can do, as a terminal words it: whoever has one fills
	// it in.
	Next []string `json:"next"`
}

// Account is what is open at one account.
type Account struct {
	Account string `json:"account"`
	// Configured: the configuration read here has the account.
	Configured bool `json:"configured"`
	// Gate is nil while the gate is open.
	Gate    *Gate `json:"gate"`
	Waiting int64 `json:"waiting"`
	// ForOrigin and Held of those that wait are not due: until what they take back from
	// has ended, or until the time that their rule says.
	ForOrigin int64 `json:"waiting_for_origin"`
	Held      int64 `json:"held"`
	Sending   int64 `json:"sending"`
	Parked    int64 `json:"parked"`
	InDoubt   int64 `json:"in_doubt"`
	// Late counts what a worker should have taken a minute ago.
	Late int64 `json:"late"`
	// OldestAt is when the oldest open operation was recorded.
	OldestAt *time.Time `json:"oldest_at"`
	Causes   []Parked   `json:"parked_by_cause"`
	Waits    []Wait     `json:"waiting_by_cause"`
	// RatePerSecond is how many operations may be sent in a second, as configured
	// here; 0 is no cap, or not known.
	RatePerSecond int `json:"rate_per_second"`
	// Lanes are the live lane and the bulk lane.
	Lanes []Lane `json:"lanes"`
	Pace

	// Verifies: what is in doubt is looked up before it is sent.
	Verifies bool `json:"-"`

	endpoint string
	// bulk counts what waits or is being sent in the bulk lane.
	bulk int64
}

// Parked counts parked operations of one cause and code.
type Parked struct {
	Cause ledger.Cause `json:"cause"`
	// Code is a value for --code; empty on the line that sums up the codes
	// that are not shown.
	Code     string    `json:"code"`
	Count    int64     `json:"operations"`
	InDoubt  int64     `json:"in_doubt"`
	OldestAt time.Time `json:"oldest_at"`
	// VendorSaid is the answer to the points call of one of them, the newest;
	// see wording.VendorSaid.
	VendorSaid string `json:"vendor_said"`
}

// Wait counts waiting operations of one cause.
type Wait struct {
	// Cause is empty for what was not tried yet.
	Cause    ledger.Cause `json:"cause"`
	Words    string       `json:"words"`
	Count    int64        `json:"operations"`
	InDoubt  int64        `json:"in_doubt"`
	OldestAt time.Time    `json:"oldest_at"`
}

// RejectCount counts open rejects of one code.
type RejectCount struct {
	Code  ledger.RejectCode `json:"code"`
	Count int64             `json:"events"`
}

// Configured is a vendor account as it is configured here.
type Configured struct {
	Name string
	// Verifies: what is in doubt is looked up before it is sent again.
	Verifies bool
	// Endpoint names where its calls go; empty while it is off.
	Endpoint string
	// RatePerSecond is the most operations in a second; 0 is no cap.
	RatePerSecond int
}

// Read reads what is open. The configured accounts come in their order, then
// others that have a closed gate or open operations.
func Read(ctx context.Context, d *desk.Desk, items *workitems.Items, configured []Configured) (Report, error) {
	gates, err := d.ClosedGates(ctx)
	if err != nil {
		return Report{}, err
	}
	groups, err := d.OpenGroups(ctx)
	if err != nil {
		return Report{}, err
	}
	rejects, err := d.OpenRejects(ctx)
	if err != nil {
		return Report{}, err
	}
	work, err := items.Sum(ctx, workitems.Filter{})
	if err != nil {
		return Report{}, err
	}
	rates, err := d.PostingRates(ctx)
	if err != nil {
		return Report{}, err
	}
	facts, err := d.AccountFacts(ctx)
	if err != nil {
		return Report{}, err
	}
	known, err := d.Endpoints().KnownEndpoints(ctx)
	if err != nil {
		return Report{}, err
	}
	r := Report{At: time.Now(), Accounts: []Account{}, Rejects: countRejects(rejects), WorkItems: append([]workitems.Sum{}, work...)}
	for _, c := range configured {
		a := r.account(c.Name)
		a.Configured, a.Verifies, a.endpoint, a.RatePerSecond = true, c.Verifies, c.Endpoint, c.RatePerSecond
	}
	for _, g := range gates {
		r.account(g.Account).Gate = newGate(g)
	}
	for _, g := range groups {
		r.account(g.Account).add(g)
	}
	for i := range r.Accounts {
		a := &r.Accounts[i]
		a.learn(rates[a.Account], facts, known)
		a.fillLanes()
	}
	return r, nil
}

// countRejects lists counts, the most first.
func countRejects(rejects map[ledger.RejectCode]int64) []RejectCount {
	counts := []RejectCount{}
	for _, code := range slices.Sorted(maps.Keys(rejects)) {
		counts = append(counts, RejectCount{code, rejects[code]})
	}
	slices.SortStableFunc(counts, func(a, b RejectCount) int { return cmp.Compare(b.Count, a.Count) })
	return counts
}

// account finds an account's part of the report, or adds it. The pointer is
// good until the next call.
func (r *Report) account(name string) *Account {
	at := slices.IndexFunc(r.Accounts, func(a Account) bool { return a.Account == name })
	if at < 0 {
		at = len(r.Accounts)
		r.Accounts = append(r.Accounts, Account{Account: name, Causes: []Parked{}, Waits: []Wait{}})
	}
	return &r.Accounts[at]
}

// MaxCodes is how many codes of one account and cause have a line of their
// own. A vendor that puts a number of its own into each code must not fill the
// screen.
const MaxCodes = 10

func (a *Account) add(g desk.OpenGroup) {
	switch g.State {
	case ledger.Pending:
		a.Waiting += g.Count
		a.ForOrigin, a.Held = a.ForOrigin+g.ForOrigin, a.Held+g.Held
		a.Waits = append(a.Waits, Wait{Cause: g.Cause, Words: wording.Cause(g.Cause, g.State), Count: g.Count, InDoubt: g.InDoubt, OldestAt: g.Oldest})
	case ledger.Sending:
		a.Sending += g.Count
	case ledger.Parked:
		a.Parked += g.Count
		a.addParked(g)
	}
	if g.State != ledger.Parked {
		a.bulk += g.Bulk
	}
	a.InDoubt += g.InDoubt
	a.Late += g.Late
	if a.OldestAt == nil || g.Oldest.Before(*a.OldestAt) {
		a.OldestAt = &g.Oldest
	}
}

func (a *Account) addParked(g desk.OpenGroup) {
	same := 0
	for _, c := range a.Causes {
		if c.Cause == g.Cause {
			same++
		}
	}
	if same <= MaxCodes {
		c := Parked{Cause: g.Cause, Code: g.Code, Count: g.Count, InDoubt: g.InDoubt, OldestAt: g.Oldest,
			VendorSaid: privacy.Mobiles(wording.VendorSaid(g.Call, "", g.VendorWords, g.Error))}
		if same == MaxCodes {
			c.Code = ""
		}
		a.Causes = append(a.Causes, c)
		return
	}
	rest := &a.Causes[len(a.Causes)-1] // the groups of one cause come together
	rest.Count += g.Count
	rest.InDoubt += g.InDoubt
	if g.Oldest.Before(rest.OldestAt) {
		rest.OldestAt = g.Oldest
	}
}

package survey

import (
	"cmp"
	"hash/maphash"
	"maps"
	"slices"
	"time"

	"pointsledger/ledger"
)

// Group counts operations of one account and call that would be added.
type Group struct {
	Account string      `json:"account"`
	Kind    ledger.Kind `json:"call"`
	// Operations includes NothingToSend, which are recorded and not queued.
	Operations    int64 `json:"operations"`
	NothingToSend int64 `json:"nothing_to_send"`
	// Members counts each member id or scanned code once.
	Members int64         `json:"members"`
	Points  ledger.Points `json:"points"`
}

// Found is what recording a part of the stream again would do. Events = There +
// Repeats + Added + the rejects and Conflicts.
type Found struct {
	// Events were read and are not of an ignored type.
	Events int64 `json:"events"`
	// There: the ledger has the event's operations, or its reject.
	There int64 `json:"there_already"`
	// Repeats are the second and later messages of one event that is added.
	Repeats int64 `json:"repeats"`
	// Added events would be recorded, with the operations of Groups.
	Added  int64   `json:"to_be_added"`
	Groups []Group `json:"groups"`
	// Referring of the Added events are about earlier ones: what each takes back or
	// makes spent the ledger works out as it records it, so Groups has none of it.
	Referring int64 `json:"referring"`
	// Members is over all groups; a member of two accounts counts twice.
	Members int64 `json:"members"`
	// Oldest and Newest are the broker's times of Added events; zero when there
	// is none.
	Oldest time.Time `json:"oldest"`
	Newest time.Time `json:"newest"`
	// Rejects would be added, by code. Conflicts are further ones: the key is
	// there, or comes earlier in this part, with other content.
	Rejects   map[ledger.RejectCode]int64 `json:"rejects"`
	Conflicts int64                       `json:"conflicts"`
	// Read counts all messages, Ignored those of them whose type is ignored; both
	// are for whoever reads to fill in.
	Read    int64 `json:"read"`
	Ignored int64 `json:"ignored"`
}

// Operations sums the groups.
func (f *Found) Operations() (n int64) {
	for _, g := range f.Groups {
		n += g.Operations
	}
	return n
}

// RejectCount sums the rejects and the conflicts.
func (f *Found) RejectCount() int64 {
	n := f.Conflicts
	for _, of := range f.Rejects {
		n += of
	}
	return n
}

// Surveyor counts entries in the order of the stream. It holds some
// 50 bytes for each event that would be added, and for each of their members, so
// that an event that was published twice counts once. Keys and contents are told
// apart by 64 bits of a hash: among ten million there is one wrong count with a
// chance of 1 in 100,000. Not safe for concurrent use.
type Surveyor struct {
	found   Found
	seed    maphash.Seed
	content map[uint64]uint64
	groups  map[groupKey]*Group
	members map[uint64]struct{}
}

type groupKey struct {
	account string
	kind    ledger.Kind
}

// New makes a Surveyor that has counted nothing.
func New() *Surveyor {
	return &Surveyor{seed: maphash.MakeSeed(), found: Found{Rejects: map[ledger.RejectCode]int64{}},
		content: map[uint64]uint64{}, groups: map[groupKey]*Group{}, members: map[uint64]struct{}{}}
}

// Add counts entries and what Known said of them.
func (v *Surveyor) Add(entries []ledger.Entry, verdicts []ledger.Verdict) {
	for i := range entries {
		v.found.Events++
		switch verdict := verdicts[i]; {
		case verdict.Kind == ledger.Accepted:
			v.accepted(&entries[i])
		case verdict.Kind == ledger.Rejected && verdict.Rejection == nil, verdict.Kind == ledger.Duplicate:
			v.found.There++
		case verdict.Rejection.Code == ledger.Conflict:
			v.found.Conflicts++
		default:
			v.found.Rejects[verdict.Rejection.Code]++
		}
	}
}

// accepted counts an event that the ledger does not have. An event before it in
// this part may have its keys, which Known cannot see.
func (v *Surveyor) accepted(e *ledger.Entry) {
	content := maphash.String(v.seed, e.Event.Content)
	operations := e.Event.Operations
	for _, fact := range append([]ledger.FactKey{e.Event.FactKey}, e.Event.OtherFacts...) {
		before, seen := v.content[v.key(fact)]
		switch {
		case !seen:
		case before == content || e.Event.RepeatIsDuplicate:
			v.found.Repeats++
			return
		default:
			v.found.Conflicts++
			return
		}
	}
	v.found.Added++
	if e.Event.Refers != nil {
		v.found.Referring++
	}
	if at := e.Message.BrokerTime; v.found.Oldest.IsZero() || at.Before(v.found.Oldest) {
		v.found.Oldest = at
	}
	if at := e.Message.BrokerTime; at.After(v.found.Newest) {
		v.found.Newest = at
	}
	v.content[v.key(e.Event.FactKey)] = content
	for i := range operations {
		v.count(&operations[i])
	}
}

func (v *Surveyor) key(fact ledger.FactKey) uint64 { return maphash.Bytes(v.seed, fact[:]) }

func (v *Surveyor) count(o *ledger.Operation) {
	at := groupKey{o.Account, o.Kind}
	g := v.groups[at]
	if g == nil {
		g = &Group{Account: o.Account, Kind: o.Kind}
		v.groups[at] = g
	}
	g.Operations++
	g.Points += o.Points
	if o.Points == 0 {
		g.NothingToSend++
	}
	who := cmp.Or(o.MemberID, "code "+o.MemberCode)
	if who == "code " {
		return // an anonymous sale
	}
	member := maphash.String(v.seed, string(o.Kind)+"\x00"+o.Account+"\x00"+who)
	if _, seen := v.members[member]; !seen {
		v.members[member] = struct{}{}
		g.Members++
		v.found.Members++
	}
}

// Found is what was counted so far.
func (v *Surveyor) Found() Found {
	f := v.found
	f.Rejects = maps.Clone(f.Rejects)
	f.Groups = make([]Group, 0, len(v.groups))
	for _, g := range v.groups {
		f.Groups = append(f.Groups, *g)
	}
	slices.SortFunc(f.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Kind, b.Kind))
	})
	return f
}

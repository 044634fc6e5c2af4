package sim

import (
	"cmp"
	"crypto/sha256"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Entry is what the vendor knows about one dedup key: bizId at Zhimai,
// X-Business-Token at Kylin.
type Entry struct {
	Vendor Vendor `json:"vendor"`
	Key    string `json:"key"`
	// Action is what the key's first call asked for: user.points-add, freezePoint, …
	Action string `json:"action"`
	// Member and Points are those of the first well-formed call of the key.
	Member string `json:"member"`
	Points int64  `json:"points"`
	// Received counts the calls that named the key, whatever became of them;
	// only calls during an outage are not seen.
	Received int `json:"received"`
	// Applied counts how often points moved. More than 1 is what must not
	// happen to a customer.
	Applied int `json:"applied"`
	// AppliedPoints is the sum of the points that moved.
	AppliedPoints int64 `json:"applied_points"`
	// Repeats counts the calls that were recognised as repeats and not applied.
	Repeats int `json:"repeats"`
	// Refused counts the calls that were refused for what they said: wrong
	// signature, bad parameter, unknown or frozen member. The caller may have
	// seen a fault instead.
	Refused int `json:"refused"`
	// Mismatched counts the calls whose business parameters were not byte for
	// byte those of the key's first call (Zhimai: Params; Kylin: the body).
	Mismatched int       `json:"mismatched"`
	FirstAt    time.Time `json:"first_at"`
	LastAt     time.Time `json:"last_at"`
	// FirstNo and AppliedNo are the places of the key's first call and of its first
	// application among all that both vendors received and applied, from 1 on: what
	// came before what. AppliedNo is 0 while nothing was applied.
	FirstNo   int64 `json:"first_no"`
	AppliedNo int64 `json:"applied_no"`
}

// Totals sums up one vendor.
type Totals struct {
	Keys          int   `json:"keys"`
	Received      int64 `json:"received"`
	Applied       int64 `json:"applied"`
	AppliedPoints int64 `json:"applied_points"`
	// DoubleApplied counts the keys that were applied more than once.
	DoubleApplied int   `json:"double_applied"`
	Repeats       int64 `json:"repeats"`
	Refused       int64 `json:"refused"`
	Mismatched    int64 `json:"mismatched"`
	// Reads counts the calls that change nothing (records, identity, cards).
	Reads int64 `json:"reads"`
	// Malformed counts the calls in which no dedup key could be found.
	Malformed int64 `json:"malformed"`
	// WrongSignature counts wrong tokens, keys and codes, reads included.
	WrongSignature int64 `json:"wrong_signature"`
	// InWindow counts the calls answered 401 because of an open window, not
	// the one that opened it.
	InWindow int64 `json:"in_401_window"`
	// InOutage counts the calls turned away by SetOutage; they are in no other
	// number.
	InOutage int64 `json:"in_outage"`
	// Overflow counts the new keys turned away because of MaxKeys.
	Overflow int64 `json:"overflow"`
	// RedirectsFollowed counts the clients that followed a redirect (of either
	// vendor; it stands in both).
	RedirectsFollowed int64 `json:"redirects_followed"`
	// Faults counts what was drawn, per harmful kind.
	Faults map[FaultKind]int64 `json:"faults"`
}

// entry is an Entry with what the outside does not see.
type entry struct {
	Entry
	params    [16]byte
	appliedAt time.Time
	draws     draws
}

const shardCount = 64

// shard is one part of the book. Its totals are kept with its entries, so that
// they agree at any moment.
type shard struct {
	mu      sync.Mutex
	entries [len(vendorNames)]map[string]*entry
	totals  [len(vendorNames)]Totals
}

// book is safe for concurrent use. No lock is held while a reply is written.
type book struct {
	seed    uint64
	maxKeys int64
	keys    atomic.Int64
	place   atomic.Int64
	shards  [shardCount]shard
}

func newBook(seed uint64, maxKeys int) *book {
	b := &book{seed: seed, maxKeys: int64(maxKeys)}
	for i := range b.shards {
		for v := range vendorNames {
			b.shards[i].entries[v] = make(map[string]*entry)
			b.shards[i].totals[v].Faults = make(map[FaultKind]int64)
		}
	}
	return b
}

// movement is what a call wants to do. Member and points are empty when the
// call is not well-formed.
type movement struct {
	vendor int
	action string
	key    string
	member string
	points int64
	params [16]byte
}

func paramsHash(raw []byte) [16]byte {
	sum := sha256.Sum256(raw)
	return [16]byte(sum[:16])
}

func (b *book) shardOf(hash uint64) *shard { return &b.shards[hash%shardCount] }

// receive notes that a call came and draws its fault; table is nil when
// nothing is to be drawn. It is false when the book is full.
func (b *book) receive(m movement, table *faultTable, now time.Time) (plan, bool) {
	hash := hashKey(b.seed, string(vendorNames[m.vendor]), m.key)
	sh := b.shardOf(hash)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	t := &sh.totals[m.vendor]
	e := sh.entries[m.vendor][m.key]
	if e == nil {
		if b.keys.Add(1) > b.maxKeys {
			b.keys.Add(-1)
			t.Overflow++
			return plan{}, false
		}
		e = &entry{params: m.params, Entry: Entry{Vendor: vendorNames[m.vendor], Key: m.key, Action: m.action, FirstAt: now, FirstNo: b.place.Add(1)}}
		sh.entries[m.vendor][m.key] = e
		t.Keys++
	}
	if e.Points == 0 {
		e.Member, e.Points = m.member, m.points
	}
	e.Received++
	t.Received++
	e.LastAt = now
	if e.params != m.params {
		e.Mismatched++
		t.Mismatched++
	}
	if table == nil {
		return plan{}, true
	}
	p := e.draws.next(table, hash)
	if p.fault != "" {
		t.Faults[p.fault]++
	}
	return p, true
}

// refuse notes that a received call was refused.
func (b *book) refuse(m movement) {
	sh := b.shardOf(hashKey(b.seed, string(vendorNames[m.vendor]), m.key))
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.entries[m.vendor][m.key].Refused++
	sh.totals[m.vendor].Refused++
}

// applied is what became of a call that is well-formed.
type applied int

const (
	appliedNow applied = iota
	appliedBefore
	notCovered // the member has less than the call takes
)

// apply moves the points of a received call unless its key is remembered. move runs
// under the lock, so that the book and the balances never disagree; it is false when
// there is not enough to be taken, and then nothing moved.
func (b *book) apply(m movement, d Dedup, now time.Time, move func() bool) applied {
	sh := b.shardOf(hashKey(b.seed, string(vendorNames[m.vendor]), m.key))
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e, t := sh.entries[m.vendor][m.key], &sh.totals[m.vendor]
	remembered := e.Applied > 0 && (d.KeyMemory == 0 || now.Sub(e.appliedAt) < d.KeyMemory)
	if remembered && d.Mode != DedupOff {
		e.Repeats++
		t.Repeats++
		return appliedBefore
	}
	if !move() {
		e.Refused++
		t.Refused++
		return notCovered
	}
	if e.Applied++; e.Applied == 1 {
		e.AppliedNo = b.place.Add(1)
	}
	e.AppliedPoints += m.points
	e.appliedAt = now
	t.Applied++
	t.AppliedPoints += m.points
	if e.Applied == 2 {
		t.DoubleApplied++
	}
	return appliedNow
}

// Book returns a copy of all entries, by vendor and key. Calls that come
// meanwhile may or may not be in it; each entry is consistent in itself.
func (s *Simulator) Book() []Entry {
	var all []Entry
	for i := range s.book.shards {
		sh := &s.book.shards[i]
		sh.mu.Lock()
		for v := range vendorNames {
			for _, e := range sh.entries[v] {
				all = append(all, e.Entry)
			}
		}
		sh.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Vendor, b.Vendor), cmp.Compare(a.Key, b.Key))
	})
	return all
}

// Lookup returns the entry of one key.
func (s *Simulator) Lookup(v Vendor, key string) (Entry, bool) {
	i, ok := v.index()
	if !ok {
		return Entry{}, false
	}
	sh := s.book.shardOf(hashKey(s.book.seed, string(v), key))
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e := sh.entries[i][key]
	if e == nil {
		return Entry{}, false
	}
	return e.Entry, true
}

// Totals sums up one vendor; an unknown vendor has none.
func (s *Simulator) Totals(v Vendor) Totals {
	sum := Totals{Faults: make(map[FaultKind]int64)}
	i, ok := v.index()
	if !ok {
		return sum
	}
	for j := range s.book.shards {
		sh := &s.book.shards[j]
		sh.mu.Lock()
		t := sh.totals[i]
		sum.Keys += t.Keys
		sum.Received += t.Received
		sum.Applied += t.Applied
		sum.AppliedPoints += t.AppliedPoints
		sum.DoubleApplied += t.DoubleApplied
		sum.Repeats += t.Repeats
		sum.Refused += t.Refused
		sum.Mismatched += t.Mismatched
		sum.Overflow += t.Overflow
		for kind, n := range maps.All(t.Faults) {
			sum.Faults[kind] += n
		}
		sh.mu.Unlock()
	}
	c := &s.vendors[i].counters
	sum.Reads, sum.Malformed, sum.WrongSignature = c.reads.Load(), c.malformed.Load(), c.wrongSignature.Load()
	sum.InWindow, sum.InOutage = c.inWindow.Load(), c.inOutage.Load()
	sum.RedirectsFollowed = s.redirectsFollowed.Load()
	for kind, n := range s.reads.faultCounts(i) {
		sum.Faults[kind] += n
	}
	return sum
}

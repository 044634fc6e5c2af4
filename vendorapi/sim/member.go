package sim

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// record is one row of a Zhimai member's points history.
type record struct {
	at         time.Time
	previous   int64
	points     int64
	spent      bool
	sourceType int    // 0 for rows that did not come through points-add
	text       string // the reason, or the text of an inserted row
	echoed     bool   // RecordsConfig.EchoReason when the row was written
	unrelated  bool
}

type member struct {
	balance  int64
	records  []record // oldest first
	inserted int      // rows that arrived between pages
}

// members holds the balances and records of Zhimai members. Only members that
// something happened to are kept. Safe for concurrent use.
type members struct {
	cfg     MembersConfig
	frozen  map[string]bool
	unknown map[string]bool
	shards  [shardCount]memberShard
}

type memberShard struct {
	mu   sync.Mutex
	byID map[string]*member
}

func newMembers(cfg MembersConfig) *members {
	m := &members{cfg: cfg, frozen: make(map[string]bool), unknown: make(map[string]bool)}
	for _, id := range cfg.Frozen {
		m.frozen[id] = true
	}
	for _, id := range cfg.Unknown {
		m.unknown[id] = true
	}
	for i := range m.shards {
		m.shards[i].byID = make(map[string]*member)
	}
	return m
}

func (m *members) shardOf(id string) *memberShard {
	return &m.shards[hashKey(0, "member", id)%shardCount]
}

// exists says whether the id is a Zhimai member's.
func (m *members) exists(id string) bool { return isDigits(id, 1, 32) && !m.unknown[id] }

func (m *members) isFrozen(id string) bool {
	return m.frozen[id] || m.cfg.FrozenSuffix != "" && strings.HasSuffix(id, m.cfg.FrozenSuffix)
}

// add books one row and moves the balance, below zero too.
func (m *members) add(id string, r record, keep int) {
	sh := m.shardOf(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.get(id, m.cfg.StartBalance).add(r, keep)
}

// move is add, and false for a row that would take the balance below zero: then
// nothing is booked.
func (m *members) move(id string, r record, keep int) bool {
	sh := m.shardOf(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	p := sh.get(id, m.cfg.StartBalance)
	if r.spent && p.balance < r.points {
		return false
	}
	p.add(r, keep)
	return true
}

func (sh *memberShard) get(id string, start int64) *member {
	p := sh.byID[id]
	if p == nil {
		p = &member{balance: start}
		sh.byID[id] = p
	}
	return p
}

func (p *member) add(r record, keep int) {
	r.previous = p.balance
	if r.spent {
		p.balance -= r.points
	} else {
		p.balance += r.points
	}
	p.records = append(p.records, r)
	if len(p.records) > keep+keep/4 { // forget in large steps: copying stays cheap
		p.records = slices.Clone(p.records[len(p.records)-keep:])
	}
}

// newest is when the member's newest record was made; zero when there is none.
func (m *members) newest(id string) (at time.Time) {
	sh := m.shardOf(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if p := sh.byID[id]; p != nil && len(p.records) > 0 {
		at = p.records[len(p.records)-1].at
	}
	return at
}

// balance is what the member has now.
func (m *members) balance(id string) int64 {
	sh := m.shardOf(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if p := sh.byID[id]; p != nil {
		return p.balance
	}
	return m.cfg.StartBalance
}

// Balance is what a Zhimai member has now, Config.Members.StartBalance for one
// that nothing happened to.
func (s *Simulator) Balance(memberID string) int64 { return s.members.balance(memberID) }

// unrelatedRow is a movement that did not come through points-add.
func unrelatedRow(id string, number int, now time.Time) record {
	texts := [...]string{"门店消费获得积分", "会员生日礼", "积分兑换优惠券", "客服补发"}
	h := hashKey(uint64(number), "row", id)
	i := int(h % uint64(len(texts)))
	return record{at: now, points: int64(h>>8%50) + 1, spent: i == 2, text: texts[i], unrelated: true}
}

// InsertRow adds a movement to a Zhimai member's records that did not come
// through points-add, as a till or the vendor's own campaign would. It is
// visible at once. Points must be above 0.
func (s *Simulator) InsertRow(memberID string, points int64, spent bool, text string) error {
	return s.InsertOldRow(memberID, points, spent, text, 0)
}

// InsertOldRow is InsertRow for a movement of some time ago, for a member who has
// no newer one.
func (s *Simulator) InsertOldRow(memberID string, points int64, spent bool, text string, age time.Duration) error {
	at := s.now().Add(-age)
	if age < 0 {
		return fmt.Errorf("insert row: want an age of 0 or more, got %v", age)
	}
	if newest := s.members.newest(memberID); age > 0 && newest.After(at) {
		return fmt.Errorf("insert row: %q has a record of %s already, newer than this one", memberID, newest.Format(time.RFC3339))
	}
	if !s.members.exists(memberID) {
		return fmt.Errorf("insert row: %q is no member", memberID)
	}
	if points <= 0 {
		return fmt.Errorf("insert row: want points above 0, got %d", points)
	}
	keep := s.vendors[0].settings.Load().records.MaxPerMember
	s.members.add(memberID, record{at: at, points: points, spent: spent, text: text, unrelated: true}, keep)
	return nil
}

// resolve finds a member id by explicit map or by rule: prefix + digits. It is
// false when there is none.
func (m *members) resolve(explicit map[string]string, prefix, code string) (string, bool) {
	id, ok := explicit[code]
	if !ok {
		id, ok = strings.CutPrefix(code, prefix)
	}
	return id, ok && m.exists(id)
}

// isDigits says whether s is shortest to longest ASCII digits.
func isDigits(s string, shortest, longest int) bool {
	if len(s) < shortest || len(s) > longest {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

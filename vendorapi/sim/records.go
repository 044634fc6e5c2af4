package sim

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Shape is one of the two reply shapes of user.user-points-records.
type Shape string

const (
	// ShapeA has paging fields and desc; see the first variant of the page.
	ShapeA Shape = "A"
	// ShapeB has data.data.item_list with source_desc and no paging fields.
	ShapeB Shape = "B"
)

// RecordsConfig is how user.user-points-records behaves. It decides only what
// a reader is shown; the book and the balances stay what they are. Whatever is
// set here can be changed while the simulator runs (SetRecords, /_sim/config).
type RecordsConfig struct {
	// Shape; empty means ShapeA.
	Shape Shape
	// EchoReason shows the reason of points-add in desc or source_desc. False
	// shows only a name of the source type.
	EchoReason bool
	// EchoPerRecord lets a record keep what EchoReason was when it was written.
	// False: EchoReason as it is now counts for all of them.
	EchoPerRecord bool
	// QuotePrevious puts the text of the member's record before in front of each
	// text: another operation's reference stands there first.
	QuotePrevious bool
	// ReasonCut shows only the first characters of a text. 0 shows all of it.
	ReasonCut int
	// Zone is the offset in which created_at is written, such as "+08:00" or
	// "Z"; the field names none. Empty means +08:00.
	Zone string

	// Lag hides a record of points-add until it is this old. 0 shows it at once.
	Lag time.Duration
	// KeepNewest shows only a member's newest records. 0 shows all.
	KeepNewest int
	// KeepFor shows only records younger than this. 0 shows all.
	KeepFor time.Duration
	// StaleSince shows the records as they stood then, from a copy that stands
	// still: nothing that came later. The zero time shows what is.
	StaleSince time.Time
	// StaleRate is how often, 0 to 1, a page is read from that copy. 0 means
	// always.
	StaleRate float64
	// EmptyRate is how often, 0 to 1, a page is answered with status true, code
	// 0 and data [], whatever the member has.
	EmptyRate float64
	// MissingRate is the share of records, 0 to 1, that are never shown nor
	// counted (a part of the vendor's store that is away); always the same ones.
	MissingRate float64

	// PageCap is the most rows of a page, whatever page_size asks for. 0 means
	// 1,000.
	PageCap int
	// ShortPageRate is how often, 0 to 1, a page lacks the second half of its
	// rows while the paging fields count all of them.
	ShortPageRate float64
	// RowsBetweenPages is how many unrelated rows appear on top of the list
	// after each page that was read, for members with records. 0 means none.
	RowsBetweenPages int
	// RowsBetweenPagesLimit is how many such rows a member gets in all, so
	// that a reader who scans again until nothing changed comes to an end. 0
	// means 10.
	RowsBetweenPagesLimit int
	// Strings sends every number as a string.
	Strings bool
	// MaxPerMember is how many records are kept; the oldest are forgotten, the
	// balance stays right. 0 means 100,000.
	MaxPerMember int
}

func (r RecordsConfig) withDefaults() RecordsConfig {
	if r.Shape == "" {
		r.Shape = ShapeA
	}
	if r.Zone == "" {
		r.Zone = "+08:00"
	}
	if r.RowsBetweenPagesLimit == 0 {
		r.RowsBetweenPagesLimit = 10
	}
	if r.MaxPerMember == 0 {
		r.MaxPerMember = 100_000
	}
	return r
}

func (r RecordsConfig) validate() error {
	if r.Shape != ShapeA && r.Shape != ShapeB {
		return fmt.Errorf("shape: want A or B, got %q", r.Shape)
	}
	if _, err := parseZone(r.Zone); err != nil {
		return err
	}
	if r.Lag < 0 || r.RowsBetweenPages < 0 || r.RowsBetweenPages > 1000 || r.RowsBetweenPagesLimit < 0 || r.MaxPerMember < 1 {
		return errors.New("want Lag, RowsBetweenPages (at most 1,000) and its limit 0 or more, MaxPerMember at least 1")
	}
	if r.KeepFor < 0 || r.KeepNewest < 0 || r.PageCap < 0 || r.ReasonCut < 0 {
		return errors.New("want KeepFor, KeepNewest, PageCap and ReasonCut 0 or more")
	}
	for _, rate := range [...]float64{r.StaleRate, r.EmptyRate, r.MissingRate, r.ShortPageRate} {
		if !(rate >= 0 && rate <= 1) {
			return fmt.Errorf("StaleRate, EmptyRate, MissingRate, ShortPageRate: want 0 to 1, got %v", rate)
		}
	}
	return nil
}

// parseZone reads an offset such as +08:00.
func parseZone(text string) (*time.Location, error) {
	at, err := time.Parse("Z07:00", text)
	if err != nil {
		return nil, fmt.Errorf("zone: want an offset such as +08:00, or Z, got %q", text)
	}
	_, seconds := at.Zone()
	return time.FixedZone(text, seconds), nil
}

// zone is Zone parsed; it was validated.
func (r RecordsConfig) zone() *time.Location {
	loc, err := parseZone(r.Zone)
	if err != nil {
		panic(err)
	}
	return loc
}

// drawHabit says whether something of this rate happens at this reading. The
// draws depend on the seed and on the order of the readings.
func (s *Simulator) drawHabit(rate float64) bool {
	if rate <= 0 {
		return false
	}
	return unit(mix(mix(s.cfg.Seed)+s.habits.Add(1)*0x9e3779b97f4a7c15)) < rate
}

// recordsView is one reading's view of a member's records.
type recordsView struct {
	RecordsConfig
	now   time.Time
	stale bool
}

func (s *Simulator) drawView(cfg RecordsConfig) recordsView {
	stale := !cfg.StaleSince.IsZero() && (cfg.StaleRate == 0 || s.drawHabit(cfg.StaleRate))
	return recordsView{RecordsConfig: cfg, now: s.now(), stale: stale}
}

// shows says whether the reader sees the record; newer counts the records of
// any kind that came after it.
func (v recordsView) shows(id string, r record, newer int) bool {
	switch {
	case !r.unrelated && v.now.Sub(r.at) < v.Lag,
		v.KeepNewest > 0 && newer >= v.KeepNewest,
		v.KeepFor > 0 && v.now.Sub(r.at) >= v.KeepFor,
		v.stale && r.at.After(v.StaleSince):
		return false
	}
	return v.MissingRate == 0 || unit(hashKey(uint64(r.at.UnixNano()), id, strconv.FormatInt(r.previous, 10))) >= v.MissingRate
}

// cutText is the first n characters; all of them when n is 0.
func cutText(text string, n int) string {
	if n == 0 {
		return text
	}
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}

// recordFilter is the type parameter: all, in or out.
type recordFilter string

func (f recordFilter) accepts(r record) bool {
	return f == "all" || (f == "out") == r.spent
}

// page returns one page of the member's visible records, newest first, and how
// many there are in all. Then it lets the unrelated rows arrive.
func (m *members) page(id string, number, size int, f recordFilter, v recordsView) (rows []record, total int) {
	sh := m.shardOf(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	p := sh.byID[id]
	if p == nil { // reading makes nobody known: memory must not grow with reads
		return nil, 0
	}
	from := (number - 1) * size
	for i := len(p.records) - 1; i >= 0; i-- {
		r := p.records[i]
		if !v.shows(id, r, len(p.records)-1-i) || !f.accepts(r) {
			continue
		}
		if total >= from && len(rows) < size {
			if v.QuotePrevious && i > 0 {
				r.text = p.records[i-1].text + " " + r.text
			}
			rows = append(rows, r)
		}
		total++
	}
	for n := 0; n < v.RowsBetweenPages && p.inserted < v.RowsBetweenPagesLimit; n++ {
		p.inserted++
		p.add(unrelatedRow(id, p.inserted, v.now), v.MaxPerMember)
	}
	return rows, total
}

// balanceAt is what the member had at that time, as far as the records that are
// kept tell; the zero time is now.
func (m *members) balanceAt(id string, at time.Time) int64 {
	if at.IsZero() {
		return m.balance(id)
	}
	sh := m.shardOf(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	p := sh.byID[id]
	if p == nil {
		return m.cfg.StartBalance
	}
	for _, r := range p.records { // the first later one knows what was before it
		if r.at.After(at) {
			return r.previous
		}
	}
	return p.balance
}

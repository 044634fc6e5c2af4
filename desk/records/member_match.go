package records

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"pointsledger/desk"
	"pointsledger/evidence"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// Finding says how an operation and the vendor's records stand to each
// other.
type Finding string

const (
	InBoth           Finding = "in_both"
	InBothByGuess    Finding = "in_both_by_guess"
	PointsDiffer     Finding = "points_differ"
	AppliedAgain     Finding = "applied_again"
	NotInRecords     Finding = "posted_not_in_records"
	JustPosted       Finding = "posted_just_now"
	NotCompared      Finding = "posted_not_compared"
	DoubtSeen        Finding = "in_doubt_seen"
	DoubtMaybe       Finding = "in_doubt_maybe_seen"
	DoubtAbsent      Finding = "in_doubt_not_in_records"
	DoubtOpen        Finding = "in_doubt_not_told"
	OpenSeen         Finding = "not_posted_but_seen"
	VoidedSeen       Finding = "voided_but_seen"
	ParkedUnseen     Finding = "parked"
	UnderWay         Finding = "under_way"
	VoidedUnseen     Finding = "voided"
	NothingToSend    Finding = "nothing_to_send"
	UnknownReference Finding = "unknown_reference"
	OtherAward       Finding = "other_source"
	OtherSpent       Finding = "spent"
)

// memberRow is an operation beside the record that shows it, or one of the two
// alone.
type memberRow struct {
	finding   Finding
	operation *desk.MemberOperation
	record    *vendorapi.Movement
	// at is when the record was made, else when the operation ended, else when
	// its event was published. points are the operation's, else the record's.
	at     time.Time
	points int64
}

// comparison is what the records are worth.
type comparison struct {
	// read: the records were read. Without it everything rests on the ledger.
	read bool
	// echo: the account's records show our references.
	echo bool
	// partial: the vendor has more records than were read.
	partial bool
	// settled is how long after its posting an operation surely shows.
	settled time.Duration
	now     time.Time
	// judged is what the records prove of each operation in doubt, by the judge
	// that the workers ask; empty when they were not read.
	judged map[ledger.OperationID]evidence.Judgement
}

const (
	// memberClockSkew is how far the vendor's clock may be from ours.
	memberClockSkew = 2 * time.Minute
	// guessWithin is as far as a record counts whose time cannot be read.
	guessWithin = 24 * time.Hour
	// likeMost bounds the records that are weighed for one operation, the
	// nearest: a member may have thousands of equal points.
	likeMost = 50
)

// matcher sets operations and records side by side. A record is taken by one
// operation at most.
type matcher struct {
	comparison
	operations []desk.MemberOperation
	records    []vendorapi.Movement
	// times are those of the records, zero where one cannot be read.
	times []time.Time
	// of is the record of each operation, taken the operation of each record;
	// -1 for none. again marks records of an operation that has one already.
	of, taken []int
	again     []bool
	guess     []bool // by operation
}

// compareMember is a pure function: all operations and records of a member,
// the newest first.
func compareMember(operations []desk.MemberOperation, records []vendorapi.Movement, c comparison) []memberRow {
	m := &matcher{comparison: c, operations: operations, records: records, of: make([]int, len(operations)),
		times: make([]time.Time, len(records)), taken: make([]int, len(records)), again: make([]bool, len(records)), guess: make([]bool, len(operations))}
	for i := range m.of {
		m.of[i] = -1
	}
	for i := range m.taken {
		m.taken[i], m.times[i] = -1, records[i].At
	}
	m.byReference()
	m.byLikeness()
	m.byJudgement()
	rows := m.rows()
	// Records tell whole seconds; within one, the order of recording is kept.
	slices.SortStableFunc(rows, func(a, b memberRow) int {
		return b.at.Truncate(time.Second).Compare(a.at.Truncate(time.Second))
	})
	return rows
}

// byReference matches what shows a reference: that is exact.
func (m *matcher) byReference() {
	index := make(map[string]int, len(m.operations))
	for i, o := range m.operations {
		index[o.Reference] = i
	}
	// From the oldest on, so that a second record of an operation is the later.
	for _, r := range m.oldestFirst() {
		reference := evidence.ReferenceAtEnd(m.records[r].Text)
		if reference == "" || !m.records[r].Award {
			continue
		}
		m.echo = true
		o, ours := index[reference]
		switch {
		case !ours:
		case m.of[o] < 0:
			m.of[o], m.taken[r] = r, o
		default:
			m.taken[r], m.again[r] = o, true
		}
	}
}

func (m *matcher) oldestFirst() []int {
	order := make([]int, len(m.records))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return m.times[a].Compare(m.times[b]) })
	return order
}

// byJudgement names a record that may be an operation in doubt, by the judge's
// word: one that is nobody else's when there is one.
func (m *matcher) byJudgement() {
	for i := range m.operations {
		j := m.judged[m.operations[i].ID]
		if m.of[i] >= 0 || j.Verdict != evidence.PerhapsShown {
			continue
		}
		for _, free := range [...]bool{true, false} {
			for r := range m.records {
				if m.of[i] < 0 && (m.taken[r] < 0 || !free) && slices.Contains(j.Records, m.records[r].Record) {
					m.of[i], m.guess[i] = r, true
					if free && evidence.ReferenceAtEnd(m.records[r].Text) == "" {
						m.taken[r] = i
					}
				}
			}
		}
	}
}

// byLikeness matches operations that were applied with records
// that show no reference: equal points, and near in time. Where the account
// shows references, only a text that is the beginning of our reason can be ours.
func (m *matcher) byLikeness() {
	type pair struct {
		operation, record int
		apart             time.Duration
	}
	nearest := func(a, b pair) int { return cmp.Compare(a.apart, b.apart) }
	byPoints := map[int64][]int{}
	for i, r := range m.records {
		if m.taken[i] < 0 && r.Award && evidence.ReferenceAtEnd(r.Text) == "" {
			byPoints[r.Points] = append(byPoints[r.Points], i)
		}
	}
	var pairs []pair
	for i := range m.operations {
		o := &m.operations[i]
		if m.of[i] >= 0 || o.State != string(ledger.Posted) {
			continue
		}
		first := len(pairs)
		for _, r := range byPoints[int64(o.Points)] {
			text := m.records[r].Text
			if m.echo && (text == "" || !strings.HasPrefix(o.Reason, text)) {
				continue
			}
			if apart, near := m.apart(o, m.times[r]); near {
				pairs = append(pairs, pair{i, r, apart})
			}
		}
		if len(pairs)-first > likeMost {
			slices.SortStableFunc(pairs[first:], nearest)
			pairs = pairs[:first+likeMost]
		}
	}
	slices.SortStableFunc(pairs, nearest)
	for _, p := range pairs {
		if m.of[p.operation] < 0 && m.taken[p.record] < 0 {
			m.of[p.operation], m.taken[p.record], m.guess[p.operation] = p.record, p.operation, true
		}
	}
}

// apart is how far a record is from when the operation was applied, if it was.
// near is false when it cannot be its record. A time that cannot be read is as
// far away as can be.
func (m *matcher) apart(o *desk.MemberOperation, at time.Time) (_ time.Duration, near bool) {
	if at.IsZero() {
		return guessWithin, true
	}
	within := !at.Before(o.BrokerTime.Add(-memberClockSkew)) && !at.After(o.PostedAt.Add(memberClockSkew))
	return o.PostedAt.Sub(at).Abs(), within
}

func (m *matcher) rows() []memberRow {
	rows := make([]memberRow, 0, len(m.operations)+len(m.records))
	covered := m.coverage()
	for i := range m.operations {
		o := &m.operations[i]
		row := memberRow{operation: o, at: operationTime(o), points: int64(o.Points)}
		if r := m.of[i]; r >= 0 {
			row.record = &m.records[r]
			if at := m.times[r]; !at.IsZero() {
				row.at = at
			}
			row.finding = foundSeen(o, row.record.Points == row.points, m.guess[i])
		} else {
			row.finding = m.foundUnseen(o, covered)
		}
		rows = append(rows, row)
	}
	for i := range m.records {
		r := &m.records[i]
		row := memberRow{record: r, at: m.times[i], points: r.Points}
		switch {
		case m.again[i]:
			row.finding, row.operation = AppliedAgain, &m.operations[m.taken[i]]
		case m.taken[i] >= 0:
			continue
		case !r.Award:
			row.finding = OtherSpent
		case evidence.ReferenceAtEnd(r.Text) != "":
			row.finding = UnknownReference
		default:
			row.finding = OtherAward
		}
		rows = append(rows, row)
	}
	return rows
}

// operationTime is when an operation ended, else when its event was published.
func operationTime(o *desk.MemberOperation) time.Time {
	if !o.PostedAt.IsZero() {
		return o.PostedAt
	}
	return o.BrokerTime
}

// foundSeen is the finding of an operation that has a record.
func foundSeen(o *desk.MemberOperation, equal, guess bool) Finding {
	switch {
	case o.State == string(ledger.Voided):
		return VoidedSeen
	case !equal:
		return PointsDiffer
	case o.State == string(ledger.Posted) && guess:
		return InBothByGuess
	case o.State == string(ledger.Posted):
		return InBoth
	case o.InDoubt && guess:
		return DoubtMaybe
	case o.InDoubt:
		return DoubtSeen
	}
	return OpenSeen
}

// takes tells of what is compared with no record: records are matched with grants alone.
func takes(kind ledger.Kind) bool {
	return kind == ledger.PointsDeduct || kind == ledger.UnfreezePoint || kind == ledger.ConsumeFrozen
}

// foundUnseen is the finding of an operation without a record.
func (m *matcher) foundUnseen(o *desk.MemberOperation, covered func(time.Time) bool) Finding {
	switch o.State {
	case "":
		return NothingToSend
	case string(ledger.Voided):
		return VoidedUnseen
	case string(ledger.Posted):
		switch {
		case !m.read || takes(o.Kind) || !covered(o.PostedAt):
			return NotCompared
		case m.now.Sub(o.PostedAt) < m.settled:
			return JustPosted
		}
		return NotInRecords
	}
	switch {
	case o.InDoubt && m.judged[o.ID].Verdict == evidence.Absent && o.State == string(ledger.Parked):
		return DoubtAbsent
	case o.InDoubt:
		return DoubtOpen
	case o.State == string(ledger.Parked):
		return ParkedUnseen
	}
	return UnderWay
}

// coverage tells of which times the records were read. Where the vendor has
// more than was read, that is from the oldest of those on, or up to the newest
// where it lists the oldest first.
func (m *matcher) coverage() func(time.Time) bool {
	if !m.partial {
		return func(time.Time) bool { return true }
	}
	var oldest, newest time.Time
	for _, at := range m.times {
		if at.IsZero() {
			return func(time.Time) bool { return false } // no telling
		}
		if oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
		if at.After(newest) {
			newest = at
		}
	}
	oldestFirst := len(m.times) > 0 && m.times[0].Before(m.times[len(m.times)-1])
	return func(at time.Time) bool {
		if oldestFirst {
			return at.Add(memberClockSkew).Before(newest)
		}
		return at.Add(-memberClockSkew).After(oldest)
	}
}

package months

import (
	"time"

	"pointsledger/ledger"
)

// free is a member of no fault yet, with a time.
func (m *Month) free() string {
	for {
		member := m.member(m.random.IntN(m.Members))
		if !m.busy[member] {
			m.busy[member] = true
			return member
		}
	}
}

// plant plants one fault.
func (m *Month) plant(kind Kind) {
	member, at := m.free(), m.sometime()
	fault := Fault{Kind: kind}
	posting := func(points int64, at time.Time) *Posting {
		p := m.post(member, points, at)
		fault.Postings = append(fault.Postings, p.ID)
		return p
	}
	record := func(p *Posting, edit func(*Record)) { fault.Records = append(fault.Records, m.record(p, edit)) }
	points := 10_000 + m.points()
	edited := func(r *Record) { r.Text = "客服补发" }
	switch kind {
	case Lost:
		posting(points, at)
	case LostAtEdge:
		posting(points, m.Ends.Add(-500*time.Millisecond)).PostedAt = m.Ends.Add(-time.Millisecond)
	case LostAtClock:
		hour, _ := m.twiceHour()
		posting(points, hour.Add(time.Duration(m.random.IntN(7200))*time.Second))
	case Twice:
		p := posting(points, at)
		record(p, nil)
		record(p, func(r *Record) { r.At = r.At.Add(time.Duration(m.random.IntN(60)) * time.Second) })
	case OtherAmount:
		record(posting(points, at), func(r *Record) { r.Points /= 10 })
	case OtherMember:
		other := m.free()
		record(posting(points, at), func(r *Record) { r.Member = other })
	case ByHand:
		m.Records = append(m.Records, Record{member, points + 3, "客服补发", at})
		fault.Records = append(fault.Records, len(m.Records)-1)
	case Edited:
		record(posting(points, at), edited)
	case EqualLost:
		record(posting(points, at), edited)
		posting(points, at.Add(40*time.Second))
	case VoidedApplied:
		p := posting(points, at)
		p.Voided = true
		record(p, nil)
	case Unknown:
		m.Records = append(m.Records, Record{member, points, "订单SO-X #" + ledger.ReferenceOf(ledger.NewBizID("pa", "elsewhere", member)), at})
		fault.Records = append(fault.Records, len(m.Records)-1)
	}
	m.Faults = append(m.Faults, fault)
}

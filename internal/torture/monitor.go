package torture

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// state is how far the work is.
type state struct {
	// recorded operations; posted and parked ones of them.
	recorded, posted, parked int
	// open rows are pending or being sent, but for those that wait for one that is
	// parked; doubt counts rows in doubt.
	open, doubt int
	// left is how many events the broker has still to hear an ack for, and how many
	// wait for the order that they are about.
	left int
}

func (s state) String() string {
	return fmt.Sprintf("%d operations recorded, %d posted, %d parked, %d open, %d in doubt, %d events not acknowledged or without their order",
		s.recorded, s.posted, s.parked, s.open, s.doubt, s.left)
}

// stallAfter is how long nothing may move. A suspicion of the gate is probed
// once a minute, so it must be more.
const stallAfter = 150 * time.Second

// monitor watches the progress, for the faults that wait for it, for the
// publisher, and for the times to recover. Safe for concurrent use.
type monitor struct {
	rig *rig
	// total is how many operations must be recorded, and end.
	total int

	mu      sync.Mutex
	now     state
	moved   time.Time
	waiting []healed
	// recovered are the times from the end of a fault to the next posting.
	recovered map[Kind][]time.Duration
}

// healed is a fault that is over, and how many postings there were.
type healed struct {
	kind   Kind
	at     time.Time
	posted int
}

func newMonitor(r *rig, total int) *monitor {
	return &monitor{rig: r, total: total, moved: time.Now(), recovered: map[Kind][]time.Duration{}}
}

// sqlState counts the rows of all accounts.
const sqlState = `
SELECT (SELECT count(*) FROM operations), (SELECT count(*) FROM postings),
       count(*) FILTER (WHERE x.state = 'parked'), count(*) FILTER (WHERE x.state <> 'parked' AND o.state IS DISTINCT FROM 'parked'),
       count(*) FILTER (WHERE x.in_doubt), (SELECT count(*) FROM waiting)
  FROM outbox x
  LEFT JOIN outbox o ON o.operation_id = x.waits_for`

// run watches until ctx ends. A server that is away is part of the game.
func (m *monitor) run(ctx context.Context) {
	ticker := time.NewTicker(2 * pollEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if s, err := m.read(ctx); err == nil {
			m.note(s)
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

func (m *monitor) read(ctx context.Context) (s state, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var early int
	err = m.rig.pool.QueryRow(ctx, sqlState).Scan(&s.recorded, &s.posted, &s.parked, &s.open, &s.doubt, &early)
	if err != nil {
		return s, fmt.Errorf("read progress: %w", err)
	}
	consumer, err := m.rig.js.Consumer(ctx, streamName, durableName)
	if err != nil {
		// The broker may be away while the database works: keep the last number.
		m.mu.Lock()
		defer m.mu.Unlock()
		s.left = max(m.now.left, 1)
		return s, nil
	}
	info := consumer.CachedInfo()
	s.left = int(info.NumPending) + info.NumAckPending + early
	return s, nil
}

func (m *monitor) note(s state) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := time.Now()
	if s != m.now {
		m.moved = at
	}
	m.now = s
	still := m.waiting[:0]
	for _, h := range m.waiting {
		if s.posted > h.posted {
			m.recovered[h.kind] = append(m.recovered[h.kind], at.Sub(h.at))
		} else {
			still = append(still, h)
		}
	}
	m.waiting = still
}

// over says that a fault has ended: the time until the next posting counts.
func (m *monitor) over(kind Kind) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting = append(m.waiting, healed{kind, time.Now(), m.now.posted})
}

// snapshot is the last state seen, and since when nothing has moved.
func (m *monitor) snapshot() (s state, still time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now, time.Since(m.moved)
}

// progress is the share of all operations that have ended, 0 to 1.
func (m *monitor) progress() float64 {
	s, _ := m.snapshot()
	if m.total == 0 {
		return 1
	}
	return float64(s.recorded-s.open) / float64(m.total)
}

package sim

import "sync"

// frozenPoints are what each Kylin member has frozen, where something can be done
// with it. The zero value is ready; safe for concurrent use.
type frozenPoints struct {
	kept bool // Config.TakesBack: else nobody asks, and nothing is remembered
	mu   sync.Mutex
	by   map[string]int64
}

// move freezes, or takes out of what is frozen; it is false when less is frozen.
func (f *frozenPoints) move(m movement) bool {
	if !f.kept {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case m.action == actionFreeze:
		if f.by == nil {
			f.by = make(map[string]int64)
		}
		f.by[m.member] += m.points
	case f.by[m.member] < m.points:
		return false
	case f.by[m.member] == m.points:
		delete(f.by, m.member)
	default:
		f.by[m.member] -= m.points
	}
	return true
}

// Frozen is what a Kylin member has frozen, and neither unfrozen nor consumed. Without
// Config.TakesBack it is 0.
func (s *Simulator) Frozen(memberID string) int64 {
	s.frozen.mu.Lock()
	defer s.frozen.mu.Unlock()
	return s.frozen.by[memberID]
}

package dispatch

import "time"

// putBackSuspicion holds back what replays send while it may be refused for our
// own mistake, without closing the gate: the till goes on. The same refusals of
// live calls close the gate.
//
//   - While live calls succeed, a refusal is about its member: it is parked.
//   - While that is not known, ten refusals of one code over different members
//     hold the put-back rows alone, untouched, and one of them is tried again
//     each probe_every.
//   - A success of any call, or a refusal of another code, ends that.
//
// It is this worker's own and not shared: it delays no live call, so that each
// worker may find out by itself. The gate's lock guards it.
type putBackSuspicion struct {
	// liveAt is when a live call was confirmed last, and doubted the codes that
	// live calls were refused with since.
	liveAt  time.Time
	doubted map[string]struct{}
	// code and members are the streak, as the gate's.
	code    string
	members map[string]struct{}
	// held: rows are held back until then, when one of them may try.
	held  bool
	until time.Time
}

// liveProves is how long a confirmed live call shows that our keys are right.
const liveProves = time.Minute

// served learns from a confirmed call of either kind.
func (p *putBackSuspicion) served(now time.Time, t ticket) {
	if !t.putBack {
		p.liveAt, p.doubted = now, nil
	}
	p.end()
}

func (p *putBackSuspicion) end() { p.code, p.members, p.held = "", nil, false }

// liveRefused keeps what live calls are refused with: they do not all succeed.
func (p *putBackSuspicion) liveRefused(code string) {
	if p.doubted == nil {
		p.doubted = make(map[string]struct{}, 1)
	}
	if len(p.doubted) < suspicionLimit {
		p.doubted[code] = struct{}{}
	}
}

// refused follows the streak of put-back rows; held says that the row goes back
// untouched.
func (p *putBackSuspicion) refused(now time.Time, code, member string, every time.Duration) (held bool) {
	_, live := p.doubted[code]
	if !live && !p.liveAt.IsZero() && now.Sub(p.liveAt) < liveProves {
		p.end()
		return false
	}
	if p.members == nil || code != p.code {
		p.end()
		p.code, p.members = code, make(map[string]struct{}, suspicionLimit)
	}
	p.members[member] = struct{}{}
	if len(p.members) < suspicionLimit {
		return false
	}
	p.held, p.until = true, now.Add(every)
	return true
}

// holdsBack says for how long a row that a replay put back is not to be sent;
// 0: it may go. The one that may go when the time is over holds the others for
// as long again, until its answer is there.
func (g *gate) holdsBack(now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := &g.putBack
	if !p.held {
		return 0
	}
	if wait := p.until.Sub(now); wait > 0 {
		return wait
	}
	p.until = now.Add(g.probeEvery)
	return 0
}

package records

import (
	"context"
	"sync"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/evidence"
	"pointsledger/vendorapi"
)

// MaxProbe bounds the operations that a probe looks up: each may cost the
// vendor a few calls.
const MaxProbe = 1000

const (
	// probeReaders is how many members are read at once: a probe must not push
	// the workers aside.
	probeReaders = 4
	// probeScanTime bounds the reading of one member.
	probeScanTime = time.Minute
	// probeFailures in a row end a probe: the vendor is away.
	probeFailures = 4
)

// ProbeReport says what the vendor's records show of a sample of a plan.
type ProbeReport struct {
	// Asked is the size of the sample that was asked for. InDoubt and Others
	// count the operations that it was taken from; NotProbed are those of the
	// plan that cannot be looked up here: their account offers no records, is
	// off, or does not verify, or no member is known.
	Asked     int   `json:"asked"`
	InDoubt   int64 `json:"from_in_doubt"`
	Others    int64 `json:"from_others"`
	NotProbed int64 `json:"not_probed"`
	Members   int   `json:"members"`
	// Applied: a record shows the reference and the points. Absent: it is not
	// there, and the same reading would have shown it. Unclear: no telling. Unread:
	// the records could not be read.
	Applied Tally `json:"applied"`
	Absent  Tally `json:"absent"`
	Unclear Tally `json:"unclear"`
	Unread  Tally `json:"unread"`
	// NotDoubted are those of Applied that are not in doubt: a replay would
	// send them again.
	NotDoubted Tally `json:"applied_not_in_doubt"`
	// Frozen are those of a member whose account the vendor calls frozen: put
	// back, they are refused again.
	Frozen Tally `json:"member_frozen"`
	// Lacks counts, for what is unclear, what the proof of an absence lacks.
	Lacks map[evidence.Lack]int64 `json:"lacks,omitempty"`
	// NoEcho: what is unclear is so because the records are not known to show
	// our references. Why says what the vendor said where it was not read.
	NoEcho bool   `json:"references_not_shown"`
	Why    string `json:"why_unread"`
}

// Probe looks up to most operations of a plan up in their members' records at the
// accounts that verify. Each member is read once. progress may be nil.
func (l *Lookup) Probe(ctx context.Context, plan desk.Plan, most int, progress func(done, members int)) (*ProbeReport, error) {
	report := &ProbeReport{Asked: most, NotProbed: plan.Left}
	vendors := map[string]*probedVendor{}
	var names []string
	for _, a := range l.accounts {
		if !a.Reads || a.Off != "" || !a.Verifies {
			continue
		}
		reader, err := l.opener.OpenReader(a.Name)
		if err != nil {
			return nil, err
		}
		defer reader.Close()
		vendors[a.Name], names = &probedVendor{reader, a}, append(names, a.Name)
	}
	if len(names) == 0 {
		return report, nil
	}
	sample, err := l.desk.SamplePlan(ctx, plan, names, most)
	if err != nil {
		return nil, err
	}
	report.InDoubt, report.Others = sample.InDoubt, sample.Others
	report.NotProbed = max(plan.Left-sample.InDoubt-sample.Others, 0)
	members := byMember(sample.Operations)
	report.Members = len(members)
	l.scanMembers(ctx, vendors, members, progress)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return report, l.judgeSample(ctx, members, report)
}

// probedMember is a member with the operations of the sample.
type probedMember struct {
	account, id string
	operations  []desk.SampledOperation
	reading     memberReading
	// read says that reading counts; why is what the vendor said otherwise.
	read bool
	why  string
}

func byMember(operations []desk.SampledOperation) []*probedMember {
	type key struct{ account, id string }
	index := map[key]*probedMember{}
	var members []*probedMember
	for _, o := range operations {
		k := key{o.Account, o.MemberID}
		if index[k] == nil {
			index[k] = &probedMember{account: o.Account, id: o.MemberID}
			members = append(members, index[k])
		}
		index[k].operations = append(index[k].operations, o)
	}
	return members
}

// scanMembers reads the members' records, a few at once and no faster than an
// account's rate. It gives up where a vendor does not answer time after time.
func (l *Lookup) scanMembers(ctx context.Context, vendors map[string]*probedVendor, members []*probedMember, progress func(done, members int)) {
	var mu sync.Mutex
	next, done := 0, 0
	failures := map[string]int{}
	take := func() *probedMember {
		mu.Lock()
		defer mu.Unlock()
		for next < len(members) && ctx.Err() == nil {
			m := members[next]
			next++
			if failures[m.account] < probeFailures {
				return m
			}
			m.why = "not asked any more"
		}
		return nil
	}
	var readers sync.WaitGroup
	for range probeReaders {
		readers.Go(func() {
			for m := take(); m != nil; m = take() {
				began := time.Now()
				v := vendors[m.account]
				bounded, cancel := context.WithTimeout(ctx, probeScanTime)
				read, reply := l.readRecords(bounded, &v.Account, v.Reader, m.id)
				cancel()
				mu.Lock()
				done++
				switch reply.Outcome {
				case vendorapi.Applied:
					m.reading, m.read, failures[m.account] = read, true, 0
				case vendorapi.Refused: // the vendor answers: it is about this member
					m.why, failures[m.account] = privacy.VendorWords(replyWords(reply)), 0
				default:
					m.why = privacy.VendorWords(replyWords(reply))
					failures[m.account]++
				}
				if progress != nil {
					progress(done, len(members))
				}
				mu.Unlock()
				keepRate(ctx, v.PerSecond, began)
			}
		})
	}
	readers.Wait()
}

// probedVendor is an account whose records are read.
type probedVendor struct {
	Reader
	Account
}

// keepRate waits until a reader's share of the account's rate allows its next
// member. A scan makes at least two calls, and who the member is one.
func keepRate(ctx context.Context, perSecond int, began time.Time) {
	if perSecond == 0 {
		return
	}
	wait := 3 * probeReaders * time.Second / time.Duration(perSecond)
	timer := time.NewTimer(wait - time.Since(began))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// judgeSample counts what the records show, by the judge that the workers ask.
func (l *Lookup) judgeSample(ctx context.Context, members []*probedMember, report *ProbeReport) error {
	for _, m := range members {
		if !m.read {
			for i := range m.operations {
				report.Unread.add(int64(m.operations[i].Points))
			}
			if report.Why == "" || report.Why == "not asked any more" {
				report.Why = m.why
			}
			continue
		}
		operations, err := l.book.IssuedTo(ctx, m.account, m.id)
		if err != nil {
			return err
		}
		issued := evidence.IssuedOf(operations)
		for i := range m.operations {
			o := &m.operations[i]
			if m.reading.frozen {
				report.Frozen.add(int64(o.Points))
			}
			report.count(o, evidence.Judge(evidence.Operation{Account: o.Account, MemberID: o.MemberID, Reference: o.Reference,
				Reason: o.Reason, Points: o.Points, FirstSentAt: o.FirstSentAt, QuietSince: o.QuietSince}, m.reading.Reading, issued, m.reading.known))
		}
	}
	return nil
}

// count adds what a member's records prove of one operation.
func (r *ProbeReport) count(o *desk.SampledOperation, j evidence.Judgement) {
	points := int64(o.Points)
	switch j.Verdict {
	case evidence.Shown:
		r.Applied.add(points)
		if !o.InDoubt {
			r.NotDoubted.add(points)
		}
	case evidence.Absent:
		r.Absent.add(points)
	default:
		r.Unclear.add(points)
		r.NoEcho = r.NoEcho || j.Lack == evidence.LackReferences
		if j.Lack != "" {
			if r.Lacks == nil {
				r.Lacks = map[evidence.Lack]int64{}
			}
			r.Lacks[j.Lack]++
		}
	}
}

// Looked is how many operations were looked up.
func (r *ProbeReport) Looked() int64 { return r.Applied.Count + r.Absent.Count + r.Unclear.Count }

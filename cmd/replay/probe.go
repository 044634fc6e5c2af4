package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/evidence"
	"pointsledger/internal/accounts"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/zhimai"
)

// maxProbe bounds the operations that a preview looks up: each may cost the
// vendor a few calls.
const maxProbe = 1000

const (
	// probeReaders is how many members are read at once: a probe must not push
	// the workers aside.
	probeReaders = 4
	// probeScanTime bounds the reading of one member.
	probeScanTime = time.Minute
	// probeFailures in a row end a probe: the vendor is away.
	probeFailures = 4
)

// probeReport says what the vendor's records show of a sample of a plan.
type probeReport struct {
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
	Applied tally `json:"applied"`
	Absent  tally `json:"absent"`
	Unclear tally `json:"unclear"`
	Unread  tally `json:"unread"`
	// NotDoubted are those of Applied that are not in doubt: a replay would
	// send them again.
	NotDoubted tally `json:"applied_not_in_doubt"`
	// Frozen are those of a member whose account the vendor calls frozen: put
	// back, they are refused again.
	Frozen tally `json:"member_frozen"`
	// Lacks counts, for what is unclear, what the proof of an absence lacks.
	Lacks map[evidence.Lack]int64 `json:"lacks,omitempty"`
	// NoEcho: what is unclear is so because the records are not known to show
	// our references. Why says what the vendor said where it was not read.
	NoEcho bool   `json:"references_not_shown"`
	Why    string `json:"why_unread"`
}

// probePlan looks up to most operations of a plan up in their members' records
// at the accounts that verify. Each member is read once. It changes nothing,
// here or there. progress may be nil. The error is the ledger's or that of a
// cancelled context; a vendor that does not answer is part of the report.
func (s *session) probePlan(ctx context.Context, plan ledger.Plan, most int, progress func(done, members int)) (*probeReport, error) {
	report := &probeReport{Asked: most, NotProbed: plan.Left}
	vendors := map[string]*probedVendor{}
	var names []string
	for _, v := range s.config.Vendors {
		if v.Kind != config.KindZhimai || !v.On() || v.InDoubt != config.InDoubtVerify {
			continue
		}
		client, err := accounts.Zhimai(v)
		if err != nil {
			return nil, fmt.Errorf("vendor account %s: %w", v.Name, err)
		}
		defer client.Close()
		vendors[v.Name], names = &probedVendor{client, v}, append(names, v.Name)
	}
	if len(names) == 0 {
		return report, nil
	}
	sample, err := s.store.SamplePlan(ctx, plan, names, most)
	if err != nil {
		return nil, err
	}
	report.InDoubt, report.Others = sample.InDoubt, sample.Others
	report.NotProbed = max(plan.Left-sample.InDoubt-sample.Others, 0)
	members := byMember(sample.Operations)
	report.Members = len(members)
	s.scanMembers(ctx, vendors, members, progress)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return report, s.judgeSample(ctx, members, report)
}

// probeFor is the probe of a preview; nil without --probe.
func (s *session) probeFor(c *cobra.Command, o *runOptions, plan ledger.Plan) (*probeReport, error) {
	if o.probe == 0 {
		return nil, nil
	}
	progress := command.NewProgress(c.ErrOrStderr())
	defer progress.Done()
	return s.probePlan(c.Context(), plan, o.probe, func(done, members int) {
		progress.Show("  reading the vendor's records: %s of %s", wording.Count(done), wording.Plural(members, "member"))
	})
}

// incomplete is the error that ends a preview whose probe could not read all
// that it was to read: exit code 3. Nil for no probe.
func (r *probeReport) incomplete() error {
	if r == nil || r.Unread.Count == 0 {
		return nil
	}
	return &unprobedError{r.Unread.Count}
}

// unprobedError is a probe that the vendor did not answer.
type unprobedError struct{ operations int64 }

func (e *unprobedError) Error() string {
	return fmt.Sprintf("the vendor's records could not be read for %s of the probe", wording.Plural(e.operations, "operation"))
}

// Is makes the error stand for "done, but something does not agree".
func (e *unprobedError) Is(target error) bool { return target == command.ErrDisagree }

// probedMember is a member with the operations of the sample.
type probedMember struct {
	account, id string
	operations  []ledger.SampledOperation
	reading     evidence.Reading
	known       evidence.Knowledge
	// read says that reading counts; why is what the vendor said otherwise.
	read bool
	why  string
	// frozen: the vendor says that the account is frozen.
	frozen bool
}

func byMember(operations []ledger.SampledOperation) []*probedMember {
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
func (s *session) scanMembers(ctx context.Context, vendors map[string]*probedVendor, members []*probedMember, progress func(done, members int)) {
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
				bounded, cancel := context.WithTimeout(ctx, probeScanTime)
				reading, known, reply := s.readProbed(bounded, vendors[m.account], m.id)
				frozen := reply.Outcome == vendorapi.Applied && memberFrozen(bounded, vendors[m.account].Client, m.id)
				cancel()
				mu.Lock()
				done++
				switch reply.Outcome {
				case vendorapi.Applied:
					m.reading, m.known, m.read, failures[m.account] = reading, known, true, 0
					m.frozen = frozen
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
				s.keepRate(ctx, m.account, began)
			}
		})
	}
	readers.Wait()
}

// probedVendor is an account whose records are read.
type probedVendor struct {
	*zhimai.Client
	config config.Vendor
}

// readProbed reads a member's records, with what is known of the account before
// that: what a worker would judge by now.
func (s *session) readProbed(ctx context.Context, v *probedVendor, memberID string) (evidence.Reading, evidence.Knowledge, vendorapi.Reply) {
	k, err := s.store.Knowledge(ctx, v.config.Name, v.Endpoint())
	if err != nil {
		return evidence.Reading{}, evidence.Knowledge{}, vendorapi.Reply{Outcome: vendorapi.Unknown, Err: err}
	}
	reading, reply := v.ReadRecords(ctx, memberID)
	reading.BeganAt = k.Now
	return reading, evidence.KnowledgeOf(k, beliefsOf(v.config)), reply
}

// beliefsOf is what the settings say of a vendor's records.
func beliefsOf(v config.Vendor) evidence.Beliefs {
	return evidence.Beliefs{QuietAfter: v.QuietAfter, ClockSkew: v.ClockSkew, VerifyAfter: v.VerifyAfter}
}

// keepRate waits until a reader's share of the account's rate allows its next
// member. A scan makes at least two calls, and who the member is one.
func (s *session) keepRate(ctx context.Context, account string, began time.Time) {
	v, _ := s.config.Vendor(account)
	if v.RatePerSecond == 0 {
		return
	}
	wait := 3 * probeReaders * time.Second / time.Duration(v.RatePerSecond)
	timer := time.NewTimer(wait - time.Since(began))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// judgeSample counts what the records show, by the judge that the workers ask.
func (s *session) judgeSample(ctx context.Context, members []*probedMember, report *probeReport) error {
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
		operations, err := s.store.IssuedTo(ctx, m.account, m.id)
		if err != nil {
			return err
		}
		issued := evidence.IssuedOf(operations)
		for i := range m.operations {
			o := &m.operations[i]
			if m.frozen {
				report.Frozen.add(int64(o.Points))
			}
			report.count(o, evidence.Judge(evidence.Operation{Account: o.Account, MemberID: o.MemberID, Reference: o.Reference,
				Reason: o.Reason, Points: o.Points, FirstSentAt: o.FirstSentAt, QuietSince: o.QuietSince}, m.reading, issued, m.known))
		}
	}
	return nil
}

// count adds what a member's records prove of one operation.
func (r *probeReport) count(o *ledger.SampledOperation, j evidence.Judgement) {
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

// looked is how many operations were looked up.
func (r *probeReport) looked() int64 { return r.Applied.Count + r.Absent.Count + r.Unclear.Count }

// print says it for people, as lines of a preview.
func (r *probeReport) print(out io.Writer) {
	from := r.InDoubt + r.Others
	if from == 0 {
		printLine(out, "probe", "nothing of this can be looked up: no account that verifies is on here, or no member is known")
		return
	}
	printLine(out, "probe", fmt.Sprintf("%s of %s (%s in doubt) looked up in the records of %s:", wording.Count(r.looked()),
		wording.Plural(from, "operation"), wording.Count(r.InDoubt), wording.Plural(r.Members, "member")))
	line := func(t tally, words string) {
		if t.Count > 0 {
			printLine(out, "", fmt.Sprintf("%s (%s) %s", wording.Count(t.Count), wording.Plural(t.Points, "point"), words))
		}
	}
	line(r.Applied, "already applied: in the records, with our reference. What is in doubt is posted, not sent again")
	line(r.NotDoubted, "of these NOT in doubt: put back, they are sent again! `replay member` and `replay settle` first")
	line(r.Frozen, "of FROZEN members: the vendor refuses them again unless it unfreezes the accounts first")
	line(r.Absent, "not applied: not in the records, which would show it")
	line(r.Unclear, "cannot be told from the records")
	for _, lack := range slices.Sorted(maps.Keys(r.Lacks)) {
		printLine(out, "", fmt.Sprintf("%s of these: %s", wording.Count(r.Lacks[lack]), lack.Words()))
	}
	line(r.Unread, "could not be read: "+r.Why)
	if r.NotProbed > 0 {
		printLine(out, "", fmt.Sprintf("%s of the plan cannot be looked up: no records to read at their account, or no member known", wording.Plural(r.NotProbed, "operation")))
	}
}

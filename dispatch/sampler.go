package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"pointsledger/evidence"
	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi"
)

// samplerStore is what a sampler needs of the ledger.
type samplerStore interface {
	TellSampler(ctx context.Context, n knowledge.SamplerNews) (samples bool, err error)
	NextSample(ctx context.Context, account, endpoint string, token ledger.LeaseToken, p knowledge.Sampling) (*knowledge.Sample, time.Duration, error)
	IssuedTo(ctx context.Context, account, member string) ([]ledger.IssuedOperation, error)
	LearnSample(ctx context.Context, r knowledge.SampleReading, p knowledge.Sampling) (learned bool, err error)
}

// sampler learns what the records at the account's endpoint show, by reading those
// of postings that the vendor has just confirmed. All workers of an account tell
// the table what they hear; one of them, by a lease, reads. It is no part of the
// way of an event: what it is told costs a lock of this process.
type sampler struct {
	store    samplerStore
	account  Account
	token    ledger.LeaseToken
	log      *zap.Logger
	observer Observer
	// read reads a member's records, when a call may be made now.
	read func(ctx context.Context, memberID string) (evidence.Reading, vendorapi.Reply, bool)
	note func(error)

	// wake says that a beat is worth it now.
	wake chan struct{}

	mu        sync.Mutex
	news      knowledge.SamplerNews // what is not told yet
	untold    bool                  // something of it is new, or nothing was ever told
	sampledAt time.Time             // when this worker last read a sample
	holds     bool
}

// heard tells the sampler of a row that the vendor confirmed and the ledger has
// posted.
func (s *sampler) heard(row *held, evidence ledger.Evidence) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if row.InDoubt {
		// A repeat: the record may be that of any call before it, so it tells no lag.
		if evidence == ledger.AlreadyApplied {
			s.news.KeysSeen, s.untold = true, true
		}
		return
	}
	if sent := row.sentAt(); sent.After(s.news.NewestSentAt) {
		s.news.Newest, s.news.NewestSentAt, s.untold = row.ID, sent, true
		if s.holds && time.Since(s.sampledAt) >= s.account.Sampling.Every {
			signal(s.wake)
		}
	}
}

// want asks for a sample of a posting whose call began after a time, at once: a
// doubtful row whose calls had ended by then lacks its control. Where nothing was
// posted since, an older posting is read again. It never blocks, and one sample
// serves all who ask.
func (s *sampler) want(after time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if after.After(s.news.Wanted) {
		s.news.Wanted = after
	}
	s.untold = true
	signal(s.wake)
}

// able tells whether the account has records to read.
func (s *sampler) able() bool {
	_, able := s.account.Vendor.(vendorapi.RecordReader)
	return able && s.account.Verify
}

// run tells and reads until ctx ends.
func (s *sampler) run(ctx context.Context) {
	for ctx.Err() == nil {
		pause := s.runOnce(ctx)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-s.wake:
			// However many ask, the table is asked now and then.
			sleep(ctx, s.account.Sampling.First)
		}
		timer.Stop()
	}
}

// close tells the rest and gives the lease back.
func (s *sampler) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, samplerGrace)
	defer cancel()
	if news, some := s.takeNews(); some {
		news.Lease = 0
		_, err := s.store.TellSampler(ctx, news)
		s.note(err)
	}
}

// samplerGrace bounds the last word of a stopping worker; its lease ends by itself.
const samplerGrace = time.Second

// takeNews is what is to be told now; ok is false when nothing is, for an account
// that has no records to read.
func (s *sampler) takeNews() (n knowledge.SamplerNews, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.untold && !s.able() {
		return n, false
	}
	n = s.news
	n.Account, n.Endpoint, n.Token = s.account.Name, s.account.Endpoint(), s.token
	if s.able() {
		n.Lease = s.account.Sampling.Lease
	}
	s.news.KeysSeen, s.news.Wanted, s.untold = false, time.Time{}, false
	return n, true
}

// keepNews takes back what could not be told.
func (s *sampler) keepNews(n knowledge.SamplerNews) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.news.KeysSeen = s.news.KeysSeen || n.KeysSeen
	if n.Wanted.After(s.news.Wanted) {
		s.news.Wanted = n.Wanted
	}
	s.untold = true
}

// runOnce tells the table what is new and makes the reading that is due. It
// returns how long to wait before the next time.
func (s *sampler) runOnce(ctx context.Context) (pause time.Duration) {
	beat := s.account.Sampling.Beat
	news, some := s.takeNews()
	if !some {
		return beat
	}
	samples, err := s.store.TellSampler(ctx, news)
	s.note(err)
	if err != nil {
		s.keepNews(news)
		return beat
	}
	s.mu.Lock()
	s.holds = samples
	s.mu.Unlock()
	if !samples {
		return beat
	}
	next, in, err := s.store.NextSample(ctx, s.account.Name, s.account.Endpoint(), s.token, s.account.Sampling.ledger())
	picked := time.Now()
	s.note(err)
	switch {
	case err != nil:
		return beat
	case next == nil && in > 0:
		return min(in, beat)
	case next == nil:
		return beat
	}
	if s.sample(ctx, next, picked) {
		return s.account.Sampling.First // there may be more; one at a time
	}
	return beat
}

// sample makes one reading and keeps what it shows. made is false when no call
// could be made: the sample stays due.
func (s *sampler) sample(ctx context.Context, of *knowledge.Sample, picked time.Time) (made bool) {
	ctx, cancel := context.WithTimeout(ctx, s.account.Sampling.Lease/3)
	defer cancel()
	reading, reply, made := s.read(ctx, of.MemberID)
	if !made {
		return false
	}
	s.mu.Lock()
	s.sampledAt = time.Now()
	s.mu.Unlock()
	// By the database's clock: the pick, plus what has gone by here since.
	began := of.PickedAt.Add(reading.BeganAt.Sub(picked))
	r := knowledge.SampleReading{Account: s.account.Name, Endpoint: s.account.Endpoint(), Token: s.token, Sample: of,
		Sighting: knowledge.Unread, BeganAt: began, In: s.account.Sampling.Every}
	if reply.Outcome == vendorapi.Applied {
		if err := s.see(ctx, &r, reading); err != nil {
			s.note(err)
			return true
		}
	} else {
		s.log.Info("the records of a sample could not be read", zap.String("outcome", reply.Outcome.String()),
			zap.String("vendor_code", reply.Code), zap.String("vendor_message", reply.Message), zap.Error(reply.Err))
	}
	learned, err := s.store.LearnSample(ctx, r, s.account.Sampling.ledger())
	s.note(err)
	if learned {
		s.observer.Sampled(s.account.Name, r.Sighting)
	}
	if learned && r.Sighting == knowledge.Missed {
		s.log.Warn("the vendor's records do not show a confirmed operation's reference",
			zap.Int64("operation_id", int64(of.Operation)), zap.Duration("age", began.Sub(of.ConfirmedAt)))
		signal(s.wake)
	}
	return true
}

// see fills in what a reading shows.
func (s *sampler) see(ctx context.Context, r *knowledge.SampleReading, reading evidence.Reading) error {
	of := r.Sample
	saw := evidence.Look(evidence.Sought{Reference: of.Reference, Points: of.Points, SentAt: of.SentAt, ConfirmedAt: of.ConfirmedAt},
		reading, evidence.Zone{Known: of.ZoneKnown, Offset: of.ZoneOffset})
	if reading.Complete {
		r.Records, r.Oldest = len(reading.Records), saw.Oldest
	}
	if !saw.Shown && unreliable(reading) {
		return nil
	}
	age := r.BeganAt.Sub(of.ConfirmedAt)
	in, last := s.account.Sampling.again(age)
	r.In = in
	switch {
	case saw.Shown:
		r.Sighting, r.OffsetMinutes = knowledge.Seen, saw.OffsetMinutes
		return nil
	case of.Again || last:
		r.Sighting = knowledge.Missed
		return nil
	}
	r.Sighting = knowledge.NotYet
	if len(saw.Naked) == 0 || age <= s.account.Sampling.patience(of, s.account.VerifyAfter) {
		return nil
	}
	// A record is there that must be it, unless it is another's.
	issued, err := s.store.IssuedTo(ctx, s.account.Name, of.MemberID)
	if err != nil {
		return err
	}
	if len(saw.Naked) > evidence.Unseen(othersLike(of, issued), reading) {
		r.Sighting = knowledge.Missed
	}
	return nil
}

// unreliable tells that a reading which does not show a sample says nothing: it is
// not complete, or the list is empty, and the member has points all the same.
func unreliable(reading evidence.Reading) bool {
	return !reading.Complete || len(reading.Records) == 0 && reading.Balance != nil && *reading.Balance != 0
}

// othersLike are the references of the member's other operations that a record of
// the sample's points may belong to: called about then, whatever became of them.
func othersLike(of *knowledge.Sample, issued []ledger.IssuedOperation) (references []string) {
	since := of.SentAt.Add(-evidence.ZoneSlack)
	for _, o := range issued {
		if o.ID != of.Operation && o.Points == of.Points && !o.SentAt.Before(since) {
			references = append(references, o.Reference)
		}
	}
	return references
}

// readSample reads the records of a sample's member through the account's gate and
// rate. Whatever becomes of it, the gate learns only of the vendor's pace: an
// account that may not read records, or whose records fail, may well grant points.
func (d *Dispatcher) readSample(ctx context.Context, memberID string) (_ evidence.Reading, _ vendorapi.Reply, made bool) {
	open, aside := d.gate.letsRead()
	if !open && !aside {
		return evidence.Reading{}, vendorapi.Reply{}, false
	}
	if err := d.pace.of(CallRecords).wait(ctx); err != nil {
		if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			d.note(err)
		}
		return evidence.Reading{}, vendorapi.Reply{}, false
	}
	if aside {
		reading, reply := d.readRecords(ctx, memberID)
		return reading, reply, true
	}
	pass, ok := d.gate.enter(time.Now())
	if !ok {
		return evidence.Reading{}, vendorapi.Reply{}, false
	}
	if pass.probe { // the gate closed meanwhile: the probe is for a points call
		d.gate.unused(pass)
		return evidence.Reading{}, vendorapi.Reply{}, false
	}
	reading, reply := d.readRecords(ctx, memberID)
	if reply.Outcome == vendorapi.Throttled {
		d.learn(pass, memberID, reply)
	} else {
		d.gate.unused(pass)
	}
	return reading, reply, true
}

// readRecords reads a member's records as they are judged. The first page has its
// slot.
func (d *Dispatcher) readRecords(ctx context.Context, memberID string) (evidence.Reading, vendorapi.Reply) {
	began := time.Now()
	reading, reply := d.account.Vendor.(vendorapi.RecordReader).ReadRecords(d.pace.turns(ctx, CallRecords, true), memberID)
	reading.BeganAt = began
	if vendor, able := d.account.Vendor.(vendorapi.BalanceReader); able && reply.Outcome == vendorapi.Applied && len(reading.Records) == 0 {
		reading.Balance, _ = vendor.ReadBalance(d.pace.turns(ctx, CallMember, false), memberID) // whether there is nothing
	}
	return reading, reply
}

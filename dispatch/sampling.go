package dispatch

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"pointsledger/ledger/knowledge"
)

// Sampling says how often the records of confirmed postings are read, to learn
// what the vendor's records show. The zero value is DefaultSampling.
type Sampling struct {
	// Every is the pause between two samples while there are postings. Too long:
	// habits that change are noticed late, and doubts wait for their control; too
	// short: calls for nothing.
	Every time.Duration
	// Hurry is the pause when a doubt wants a sample, or the last one failed.
	Hurry time.Duration
	// First is how long after its confirmation a posting is read first. Ladder are
	// the ages at which it is read again while it does not show; the last one ends
	// it. The lag is known as exactly as these steps are fine: each is twice the one
	// before, so what is waited for is twice what it must be at most.
	First  time.Duration
	Ladder []time.Duration
	// Patience is the longest age up to which a record without a reference is not
	// taken for a sample that does not show: another system may grant the same
	// points, and our record may merely be late.
	Patience time.Duration
	// Beat is the pause between two looks at the table: how soon workers hear of
	// each other's postings and wishes.
	Beat time.Duration
	// Lease is how long a worker samples for all without saying so again; a third
	// of it bounds one reading. Too short: two workers read the same, which does no
	// harm; too long: nobody samples for as long after a worker was killed.
	Lease time.Duration
}

// DefaultSampling reads a sample that does not show twelve times within six hours.
func DefaultSampling() Sampling {
	const last = 6 * time.Hour
	s := Sampling{Every: time.Minute, Hurry: 5 * time.Second, First: time.Second, Patience: 2 * time.Minute,
		Beat: 5 * time.Second, Lease: 90 * time.Second}
	// One that shows at none of them counts as late as the one before the last: a
	// longer one would keep all doubts waiting for hours.
	for age := 5 * time.Second; age < time.Hour; age *= 2 {
		s.Ladder = append(s.Ladder, age)
	}
	s.Ladder = append(s.Ladder, last)
	return s
}

// SampleEvery is DefaultSampling with another pause between two samples. Below a
// minute all its times are shorter in proportion, for runs of seconds; the lease
// stays long enough for a reading.
func SampleEvery(every time.Duration) Sampling {
	s := DefaultSampling()
	scale := func(d time.Duration) time.Duration {
		return max(time.Duration(float64(d)*min(1, every.Seconds()/time.Minute.Seconds())), time.Millisecond)
	}
	s.Hurry, s.First, s.Beat, s.Patience = scale(s.Hurry), scale(s.First), scale(s.Beat), scale(s.Patience)
	for i := range s.Ladder {
		s.Ladder[i] = scale(s.Ladder[i])
	}
	s.Every, s.Lease = every, max(scale(s.Lease), shortestSampleLease)
	return s
}

// shortestSampleLease leaves a reading some seconds.
const shortestSampleLease = 6 * time.Second

func (s Sampling) withDefaults() Sampling {
	if s.Every == 0 && len(s.Ladder) == 0 {
		return DefaultSampling()
	}
	return s
}

func (s Sampling) validate() error {
	var errs []error
	for name, d := range map[string]time.Duration{"every": s.Every, "hurry": s.Hurry, "first": s.First, "beat": s.Beat, "patience": s.Patience} {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("sampling %s: want more than 0, got %v", name, d))
		}
	}
	if len(s.Ladder) == 0 || !slices.IsSorted(s.Ladder) || s.Ladder[0] < s.First {
		errs = append(errs, fmt.Errorf("sampling ladder %v: want growing ages, none before the first reading (%v)", s.Ladder, s.First))
	}
	if s.Lease < shortestSampleLease {
		errs = append(errs, fmt.Errorf("sampling lease %v: want %v or more", s.Lease, shortestSampleLease))
	}
	return errors.Join(errs...)
}

// ledger is what the table needs of it. A sample that could not be read at all is
// dropped when it is twice as old as the last reading would have been.
func (s Sampling) ledger() knowledge.Sampling {
	return knowledge.Sampling{Every: s.Every, Hurry: s.Hurry, First: s.First, Late: min(s.Every, time.Minute), GiveUp: 2 * s.Ladder[len(s.Ladder)-1]}
}

// again is when a sample of the given age is read again; last says that it is not:
// the reading at the end of the ladder has been made.
func (s Sampling) again(age time.Duration) (in time.Duration, last bool) {
	for _, step := range s.Ladder {
		if step > age {
			return step - age, false
		}
	}
	return 0, true
}

// patience is the age from which a record without a reference is taken for a
// sample that does not show: the longest lag, where that is known and short. A
// sample that is given up counts as a lag itself, so reasons that are hidden now
// and then would make each wait longer than the last.
func (s Sampling) patience(of *knowledge.Sample, verifyAfter time.Duration) time.Duration {
	if of.MaxLagKnown {
		return min(s.Patience, max(of.MaxLag, verifyAfter))
	}
	return s.Patience
}

package dispatch

import (
	"testing"
	"time"

	"pointsledger/ledger/knowledge"
)

func TestSampleEvery(t *testing.T) {
	t.Parallel()
	for every, want := range map[time.Duration]struct{ first, second, lease time.Duration }{
		time.Minute:     {time.Second, 5 * time.Second, 90 * time.Second},
		time.Hour:       {time.Second, 5 * time.Second, 90 * time.Second},
		6 * time.Second: {100 * time.Millisecond, 500 * time.Millisecond, 9 * time.Second},
		time.Second:     {16666666, 83333333, 6 * time.Second},
	} {
		s := SampleEvery(every)
		if err := s.validate(); err != nil {
			t.Errorf("%v: %v", every, err)
		}
		if s.Every != every || s.First != want.first || s.Ladder[0] != want.second || s.Lease != want.lease {
			t.Errorf("%v: %+v, want %+v", every, s, want)
		}
	}
	bad := Sampling{Ladder: []time.Duration{2, 1}}
	if bad.validate() == nil {
		t.Error("a sampling of nothing is valid")
	}
}

// The ladder: a sample that does not show is read again at these ages.
func TestSamplingLadder(t *testing.T) {
	t.Parallel()
	s := DefaultSampling()
	for age, want := range map[time.Duration]time.Duration{
		0: 5 * time.Second, time.Second: 4 * time.Second, 5 * time.Second: 5 * time.Second, 29 * time.Second: 11 * time.Second,
		80 * time.Second: 80 * time.Second, 2560 * time.Second: 6*time.Hour - 2560*time.Second,
	} {
		if in, last := s.again(age); in != want || last {
			t.Errorf("at %v: again in %v, last %v, want %v", age, in, last, want)
		}
	}
	for _, age := range []time.Duration{6 * time.Hour, 7 * time.Hour} {
		if _, last := s.again(age); !last {
			t.Errorf("at %v: not the last reading", age)
		}
	}
}

func TestPatienceDoesNotGrowWithTheLag(t *testing.T) {
	s := DefaultSampling()
	for lag, want := range map[time.Duration]time.Duration{0: time.Second, time.Minute: time.Minute, time.Hour: 2 * time.Minute} {
		if got := s.patience(&knowledge.Sample{MaxLagKnown: true, MaxLag: lag}, time.Second); got != want {
			t.Errorf("longest lag %v: patience %v, want %v", lag, got, want)
		}
	}
	if got := s.patience(&knowledge.Sample{}, time.Second); got != 2*time.Minute {
		t.Errorf("lag not known: patience %v, want 2 min", got)
	}
}

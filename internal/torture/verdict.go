package torture

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"pointsledger/internal/rehearsal"
)

// Invariant is a promise that a run checks, by a name of its own.
type Invariant string

// The numbers are those of the invariants in docs/ARCHITECTURE.md.
const (
	// LiveLease: only the holder of a live lease changes a row (5).
	LiveLease Invariant = "live_lease"
	// ParkedStays: a parked row waits for a person (5, 8).
	ParkedStays Invariant = "parked_waits_for_a_person"
	// SameKey: every attempt carries the same key and parameters (4).
	SameKey Invariant = "same_key_and_parameters"
	// RecordedBeforeAck: what is acknowledged is recorded (1).
	RecordedBeforeAck Invariant = "recorded_before_ack"
	// TakeBackWaits: what takes points back never leaves before what gave them has
	// ended (12).
	TakeBackWaits Invariant = "take_back_waits"
	// OneOperation: one operation per key, for ever (2).
	OneOperation Invariant = "one_operation_per_key"
	// PostingNeedsEffect: a posting only where the vendor applied (5, 9).
	PostingNeedsEffect Invariant = "posting_needs_effect"
	// AppliedOnce: no key is applied twice (6, 7).
	AppliedOnce Invariant = "applied_once"
	// DoubtIsKept: what may be applied is in doubt until it is posted (6).
	DoubtIsKept Invariant = "doubt_is_kept"
	// KeptIsTheFormula: of an order's points the member keeps what its refunds leave (12).
	KeptIsTheFormula Invariant = "kept_is_the_formula"
	// OneEnding: what was frozen is released or spent, once (12).
	OneEnding Invariant = "one_ending"
	// NothingLost: an operation is open or has ended, never neither or both (8).
	NothingLost Invariant = "nothing_lost"
	// RejectsComplete: what cannot be accepted is a reject, nothing else is (3).
	RejectsComplete Invariant = "rejects_complete"
	// AsPublished: the ledger's facts are those that were published (3).
	AsPublished Invariant = "as_published"
	// NewestRules: nobody grants by rules that others have replaced.
	NewestRules Invariant = "newest_rules"
	// TrialBalance: the sum of all accounts is zero.
	TrialBalance Invariant = "trial_balance"
	// BrokerKeeps: an event that the broker confirmed is in its stream.
	BrokerKeeps Invariant = "broker_keeps"
	// WorkerLives: no worker panics or hangs when it is asked to end.
	WorkerLives Invariant = "worker_lives"
	// GetsQuiet: when the harm is over, all work ends.
	GetsQuiet Invariant = "gets_quiet"
)

// Invariants lists all, causes before consequences: the verdict names the
// first that is broken.
func Invariants() []Invariant {
	return []Invariant{LiveLease, ParkedStays, SameKey, RecordedBeforeAck, TakeBackWaits, OneOperation, PostingNeedsEffect, AppliedOnce,
		DoubtIsKept, OneEnding, KeptIsTheFormula, NothingLost, RejectsComplete, AsPublished, NewestRules, TrialBalance, BrokerKeeps, WorkerLives, GetsQuiet}
}

// Finding is a broken invariant: how often, and the first case in words.
type Finding struct {
	Invariant Invariant
	Count     int
	Text      string
}

func (f Finding) String() string {
	return fmt.Sprintf("%s: %d times, first: %s", f.Invariant, f.Count, f.Text)
}

// Verdict is the end of a run.
type Verdict struct {
	Seed uint64
	// Findings are sorted: the first names the verdict. None: all agrees.
	Findings []Finding
}

// Judge sorts the findings into a verdict. Findings of count 0 do not count.
func Judge(seed uint64, findings []Finding) Verdict {
	order := Invariants()
	found := slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.Count == 0 })
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Compare(slices.Index(order, a.Invariant), slices.Index(order, b.Invariant))
	})
	return Verdict{Seed: seed, Findings: found}
}

// Agrees says that no invariant was broken.
func (v Verdict) Agrees() bool { return len(v.Findings) == 0 }

// String is the last line of a run.
func (v Verdict) String() string {
	if v.Agrees() {
		return fmt.Sprintf("VERDICT agree seed=%d", v.Seed)
	}
	first := v.Findings[0]
	return fmt.Sprintf("VERDICT broken seed=%d invariant=%s: %s", v.Seed, first.Invariant, strings.ReplaceAll(first.Text, "\n", " "))
}

// invariantOf says which invariant a disagreement of the books breaks.
func invariantOf(kind string) Invariant {
	switch kind {
	case rehearsal.MissingOperation:
		return RecordedBeforeAck
	case rehearsal.DoubleOperation:
		return OneOperation
	case rehearsal.UnexpectedOperation, rehearsal.WrongPoints, rehearsal.WrongState:
		return AsPublished
	case rehearsal.PostedNotApplied, rehearsal.FrozenPosted:
		return PostingNeedsEffect
	case rehearsal.AppliedTwice:
		return AppliedOnce
	case rehearsal.AppliedNotPosted:
		return DoubtIsKept
	case rehearsal.TakeBackOvertook:
		return TakeBackWaits
	case rehearsal.KeptOtherwise:
		return KeptIsTheFormula
	case rehearsal.EndedTwice:
		return OneEnding
	case rehearsal.UnknownToLedger, rehearsal.ParametersChanged, rehearsal.AppliedOtherPoints:
		return SameKey
	}
	return GetsQuiet // still in transit
}

package torture

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"pointsledger/internal/sabotage"
)

// Kind is one way to do harm.
type Kind string

const (
	// KillWorker ends a worker as a power cut would; it comes back at once.
	KillWorker Kind = "kill_worker"
	// PauseWorker stops a worker for longer than its lease: it wakes up and
	// believes that its rows are still its own.
	PauseWorker Kind = "pause_worker"
	// StopWorker asks a worker to end, waits for it, and starts it again.
	StopWorker Kind = "stop_worker"
	// RestartPostgres stops the database at once (crash recovery follows).
	RestartPostgres Kind = "restart_postgres"
	// KillNATS ends the broker as a power cut would, and starts it again.
	KillNATS Kind = "kill_nats"
	// CutVendors, CutPostgres and CutNATS drop all connections to that side.
	// Lost replies first swallow what comes back, so that work is done whose
	// answer nobody hears.
	CutVendors  Kind = "cut_vendors"
	CutPostgres Kind = "cut_postgres"
	CutNATS     Kind = "cut_nats"
	// OutageZhimai, OutageKylin and OutageBoth take vendors away.
	OutageZhimai Kind = "outage_zhimai"
	OutageKylin  Kind = "outage_kylin"
	OutageBoth   Kind = "outage_both"
	// WrongKey lets Zhimai refuse our signature for a while.
	WrongKey Kind = "wrong_key"
	// RollBackDisk puts the database back to a snapshot of some seconds before,
	// on the same timeline; half of the time no worker that saw more is left.
	RollBackDisk Kind = "roll_back_disk"
	// RollBackQuiet does it while no event comes: rows that waited at the snapshot
	// were sent since, and no worker is left. Nothing in the database tells.
	RollBackQuiet Kind = "roll_back_quiet"
	// DeleteDurable takes the consumer away, and what it has acknowledged with it.
	DeleteDurable Kind = "delete_durable"
	// StaleRules registers further rules through one worker, while the others go
	// on with a file that lacks them until their time has come and is over.
	StaleRules Kind = "stale_rules"
	// StepClock sets the database's clock a minute forward, as far as the outbox
	// goes: every lease looks as if it were over.
	StepClock Kind = "step_clock"
	// What Zhimai's records do for a while, or for good: show no reasons, only the
	// newest, now and then nothing at all, a copy that stands still, what is
	// some seconds old, times of another zone.
	HideReasons  Kind = "hide_reasons"
	ShortHistory Kind = "short_history"
	EmptyRecords Kind = "empty_records"
	StaleRecords Kind = "stale_records"
	LateRecords  Kind = "late_records"
	OtherZone    Kind = "other_zone"
	// AddWorker and RemoveWorker change how many there are.
	AddWorker    Kind = "add_worker"
	RemoveWorker Kind = "remove_worker"
)

// share is how often a kind comes, in parts of the sum of all. The order is
// that of importance: a run with few faults has the first kinds.
type share struct {
	kind  Kind
	parts int
}

func shares() []share {
	return []share{{KillWorker, 24}, {PauseWorker, 8}, {RestartPostgres, 12}, {KillNATS, 10}, {CutVendors, 10},
		{CutPostgres, 10}, {CutNATS, 8}, {OutageBoth, 3}, {StopWorker, 6}, {OutageZhimai, 4}, {RemoveWorker, 3},
		{AddWorker, 3}, {OutageKylin, 3}, {RollBackDisk, 3}, {RollBackQuiet, 1}, {StepClock, 4}, {DeleteDurable, 2},
		{HideReasons, 3}, {EmptyRecords, 3}, {ShortHistory, 2}, {StaleRecords, 3}, {LateRecords, 2}, {OtherZone, 1}, {StaleRules, 1}, {WrongKey, 1}}
}

// Kinds lists all kinds, in the order of the report.
func Kinds() []Kind {
	var kinds []Kind
	for _, s := range shares() {
		kinds = append(kinds, s.kind)
	}
	return kinds
}

// Fault is one entry of a schedule.
type Fault struct {
	// At is the progress at which it begins: the share of all operations that
	// have ended. Progress and not time, so that a slow machine meets the
	// fault in the same place.
	At   float64
	Kind Kind
	// Pick chooses among the workers that run.
	Pick int
	// Lasts is how long the harm is done; 0 is a moment.
	Lasts time.Duration
	// LostReplies: a cut that first swallows what comes back.
	LostReplies bool
	// Refuse: an outage answers 503 instead of closing connections.
	Refuse bool
	// ForGood: the vendor's records stay as they are then.
	ForGood bool
	// Everybody: all workers are killed before the disk is rolled back.
	Everybody bool
}

func (f Fault) String() string {
	text := fmt.Sprintf("%5.1f %%  %-16s", 100*f.At, f.Kind)
	if f.Lasts > 0 {
		text += fmt.Sprintf("  for %v", f.Lasts)
	}
	if f.LostReplies {
		text += ", replies lost first"
	}
	if f.Refuse {
		text += ", answering 503"
	}
	if f.ForGood {
		text += "  for good"
	}
	if f.Everybody {
		text += ", all workers killed"
	}
	return text
}

// Where in the run faults begin and end: work must be under way.
const (
	firstFault = 0.03
	lastFault  = 0.95
)

// Schedule makes the faults of a run. It is a pure function of the options.
func Schedule(o Options) []Fault {
	r := rand.New(rand.NewPCG(o.Seed, 0x746f72747572))
	kinds := deal(o)
	r.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	keepWorkers(kinds, o.Workers)
	faults := make([]Fault, len(kinds))
	for i, kind := range kinds {
		f := Fault{Kind: kind, Pick: r.IntN(6), At: firstFault + (lastFault-firstFault)*(float64(i)+r.Float64())/float64(len(kinds))}
		between := func(least, most time.Duration) time.Duration {
			return (least + time.Duration(r.Int64N(int64(most-least)))).Round(10 * time.Millisecond)
		}
		switch kind {
		case PauseWorker:
			f.Lasts = workerLease + between(time.Second, 3*time.Second)
		case CutVendors, CutPostgres, CutNATS:
			f.Lasts, f.LostReplies = between(50*time.Millisecond, 800*time.Millisecond), r.IntN(2) == 0
		case OutageZhimai, OutageKylin, OutageBoth:
			f.Lasts, f.Refuse = between(500*time.Millisecond, 2500*time.Millisecond), r.IntN(2) == 0
		case HideReasons, ShortHistory, EmptyRecords, StaleRecords, LateRecords, OtherZone:
			f.Lasts = between(time.Second, 6*time.Second)
		case RollBackDisk:
			f.Everybody = r.IntN(2) == 0
		case RollBackQuiet:
			f.Everybody = true
		case WrongKey:
			f.Lasts = between(500*time.Millisecond, 1500*time.Millisecond)
		}
		faults[i] = f
	}
	if o.Habits {
		faults = append(faults, newHabitsMidway()...)
		slices.SortStableFunc(faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	}
	return faults
}

// newHabitsMidway are the changes of a vendor whose releases nobody announces:
// its records are in another zone, reach back less, and show no reasons.
func newHabitsMidway() []Fault {
	return []Fault{{At: 0.35, Kind: OtherZone, ForGood: true}, {At: 0.5, Kind: ShortHistory, ForGood: true},
		{At: 0.65, Kind: HideReasons, ForGood: true}}
}

// deal says how many there are of each kind: each at least once when there
// are enough faults for all, else the first kinds once.
func deal(o Options) []Kind {
	all := sharesOf(o.Sabotage)
	var kinds []Kind
	for _, s := range all {
		if len(kinds) < o.Faults {
			kinds = append(kinds, s.kind)
		}
	}
	if len(kinds) == o.Faults {
		return kinds
	}
	sum, left := 0, o.Faults-len(kinds)
	for _, s := range all {
		sum += s.parts
	}
	for _, s := range all {
		for range left * s.parts / sum {
			kinds = append(kinds, s.kind)
		}
	}
	for len(kinds) < o.Faults { // what rounding left over
		kinds = append(kinds, all[0].kind)
	}
	return kinds
}

// sharesOf are the faults of a run; of one whose workers are broken, those that
// bring the broken promise to light.
func sharesOf(broken string) []share {
	switch broken {
	case sabotage.NoLeaseCheck: // a worker that wakes up after its lease
		return []share{{PauseWorker, 2}, {KillWorker, 1}}
	case sabotage.NoWitness:
		return []share{{RollBackQuiet, 1}, {KillWorker, 2}}
	case sabotage.TakeBackDoesNotWait: // grants that must be sent again, and what takes from them
		return []share{{OutageZhimai, 2}, {CutVendors, 2}, {KillWorker, 1}}
	case sabotage.AbsenceWithoutControl:
		return []share{{StaleRecords, 2}, {KillWorker, 2}, {EmptyRecords, 1}, {LateRecords, 1}}
	}
	return shares()
}

// keepWorkers turns a removal of the last worker into an addition, and an
// addition beyond most into a removal.
func keepWorkers(kinds []Kind, most int) {
	running := most
	for i, kind := range kinds {
		if kind != AddWorker && kind != RemoveWorker {
			continue
		}
		switch {
		case most == 1:
			kinds[i] = StopWorker
		case kind == AddWorker && running < most, kind == RemoveWorker && running == 1:
			kinds[i] = AddWorker
			running++
		default:
			kinds[i] = RemoveWorker
			running--
		}
	}
}

package torture

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pointsledger/internal/config"
	"pointsledger/internal/sabotage"
)

func options(faults int, seed uint64) Options {
	return Options{Events: 2000, Faults: faults, Seed: seed, Dedup: "success", Echo: true, Workers: 3}
}

func TestScheduleIsAFunctionOfTheSeed(t *testing.T) {
	t.Parallel()
	one := Schedule(options(60, 7))
	if !reflect.DeepEqual(one, Schedule(options(60, 7))) {
		t.Error("the same seed gives another schedule")
	}
	if reflect.DeepEqual(one, Schedule(options(60, 8))) {
		t.Error("another seed gives the same schedule")
	}
}

func TestScheduleHasEveryKindInOrder(t *testing.T) {
	t.Parallel()
	for _, faults := range []int{0, 1, 5, len(Kinds()), 200} {
		found, before := map[Kind]int{}, 0.0
		schedule := Schedule(options(faults, 3))
		for _, f := range schedule {
			if f.At < before || f.At < firstFault || f.At > lastFault {
				t.Errorf("%d faults: one is at %v after one at %v", faults, f.At, before)
			}
			if f.Kind == PauseWorker && f.Lasts <= workerLease {
				t.Errorf("a pause of %v is not longer than the lease", f.Lasts)
			}
			before = f.At
			found[f.Kind]++
		}
		if len(schedule) != faults {
			t.Errorf("want %d faults, got %d", faults, len(schedule))
		}
		if faults < 200 {
			continue
		}
		for _, kind := range Kinds() {
			if found[kind] == 0 {
				t.Errorf("no %s among %d faults", kind, faults)
			}
		}
	}
}

func TestScheduleKeepsAWorker(t *testing.T) {
	t.Parallel()
	for most := 1; most <= maxWorkers; most++ {
		o := options(200, 5)
		o.Workers = most
		running, least, changes := most, most, 0
		for _, f := range Schedule(o) {
			switch f.Kind {
			case AddWorker:
				running, changes = running+1, changes+1
			case RemoveWorker:
				running, changes = running-1, changes+1
			}
			least = min(least, running)
			if running < 1 || running > most {
				t.Fatalf("%d workers of 1 to %d", running, most)
			}
		}
		if most > 1 && (changes == 0 || least == most) {
			t.Errorf("at most %d workers: their number never changes", most)
		}
		if most == 1 && changes > 0 {
			t.Error("the only worker is removed")
		}
	}
}

func TestScheduleOfNoLeaseCheckPausesWorkers(t *testing.T) {
	t.Parallel()
	o := options(9, 1)
	o.Sabotage = sabotage.NoLeaseCheck
	pauses := 0
	for _, f := range Schedule(o) {
		if f.Kind == PauseWorker {
			pauses++
		}
	}
	if pauses < 4 {
		t.Errorf("%d pauses of 9 faults: the broken promise would not show", pauses)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change func(*Options)
		wants  string
	}{
		{func(*Options) {}, ""},
		{func(o *Options) { o.Events = 100 }, ""},
		{func(o *Options) { o.Events = 99 }, "--events"},
		{func(o *Options) { o.Faults = -1 }, "--faults"},
		{func(o *Options) { o.Dedup = "maybe" }, "--dedup"},
		{func(o *Options) { o.Workers = 4 }, "--workers"},
		{func(o *Options) { o.Workers = 0 }, "--workers"},
		{func(o *Options) { o.Sabotage = "everything" }, "--sabotage"},
		{func(o *Options) { o.Sabotage = sabotage.PostBeforeSend; o.Workers = 1 }, ""},
		{func(o *Options) { o.Sabotage = sabotage.NoLeaseCheck; o.Workers = 1 }, "--workers 2"},
		{func(o *Options) { o.Sabotage = sabotage.BlindResend }, "--dedup off"},
		{func(o *Options) { o.Sabotage = sabotage.BlindResend; o.Dedup = "off" }, ""},
		{func(o *Options) { o.Sabotage = sabotage.AbsenceWithoutControl }, "--dedup off"},
		{func(o *Options) { o.Sabotage = sabotage.NoWitness; o.Dedup = "off" }, ""},
		{func(o *Options) { o.Lag = -time.Second }, "--lag"},
	} {
		o := options(20, 1)
		c.change(&o)
		err := o.Validate()
		if (err == nil) != (c.wants == "") || err != nil && !strings.Contains(err.Error(), c.wants) {
			t.Errorf("%+v: want an error with %q, got %v", o, c.wants, err)
		}
	}
}

func TestWorkerConfig(t *testing.T) {
	t.Parallel()
	builtIn := `vendors:
  - name: zhimai
    timeout: 10s
    connect_timeout: 3s
    concurrency: 64
    lease: 30s
    retry_schedule: [0.5s, 1s, 2s, 5s, 15s, 1m, 5m, 15m, 30m, 1h]
    give_up_after: 24h
    probe_every: 1m
    in_doubt: resend
    keys: unknown
    quiet_after: 10m
    sample_every: 1m
    clock_skew: 2m
    codes:
      already_applied: []
  - name: kylin
    timeout: 10s
    in_doubt: resend
    codes:
      already_applied: []
`
	for dedup, wants := range map[string][]string{
		"success": {"in_doubt: resend", "keys: honoured", "already_applied: []"},
		"code":    {"in_doubt: resend", "keys: honoured", `already_applied: ["40901"]`},
		"off":     {"in_doubt: verify", "keys: unknown", "quiet_after: 5s", "sample_every: 2s", "clock_skew: 2s", "already_applied: []"},
	} {
		o := options(1, 1)
		o.Dedup = dedup
		text, err := workerConfig(builtIn, o)
		if err != nil {
			t.Fatal(err)
		}
		zhimai, kylin, _ := strings.Cut(text, "- name: kylin")
		for _, want := range append(wants, "    timeout: 1s", "lease: 7s", "probe_every: 2s") {
			if !strings.Contains(zhimai, want) {
				t.Errorf("dedup %s: no %q in\n%s", dedup, want, zhimai)
			}
		}
		if !strings.Contains(kylin, "in_doubt: resend") || !strings.Contains(kylin, "already_applied: []") || !strings.Contains(kylin, "timeout: 1s") {
			t.Errorf("dedup %s: Kylin is configured as\n%s", dedup, kylin)
		}
	}
	if _, err := workerConfig(strings.Replace(builtIn, "lease: 30s", "lease: 40s", 1), options(1, 1)); err == nil {
		t.Error("a built-in configuration with another lease is taken")
	}
	if workerLease <= callTimeout+5*time.Second {
		t.Error("the lease does not cover a call and its settling")
	}
}

// A set that is added grants the same, says so in other words, and leaves the
// sets before it as they were.
func TestWithRules(t *testing.T) {
	t.Parallel()
	builtIn := string(config.DefaultFile())
	first := newRules{From: time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC), Mark: "新规1"}
	second := newRules{From: first.From.Add(time.Hour), Mark: "新规2"}
	once, err := withRules(builtIn, first)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := withRules(once, second)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"from: 2026-11-27T10:00:00Z\n", "from: 2026-11-27T11:00:00Z\n", "reason: 新规1订单{orderId}消费积分\n", "reason: 新规2订单{orderId}消费积分\n"} {
		if strings.Count(twice, text) != 1 {
			t.Errorf("want %q once in it", text)
		}
	}
	if err := config.CheckUsedRules([]byte(builtIn), []byte(twice), first.From.Add(-time.Minute)); err != nil {
		t.Errorf("the worker refuses it: %v", err)
	}
	if _, err := withRules("rules: []", first); err == nil {
		t.Error("want an error for a configuration without rules")
	}
}

// The faults of a broken build are those that its broken promise shows under.
func TestScheduleOfNoWitnessLeavesNoWorker(t *testing.T) {
	t.Parallel()
	o := options(4, 1)
	o.Sabotage, o.Dedup = sabotage.NoWitness, "off"
	rolledBack := 0
	for _, f := range Schedule(o) {
		if f.Kind == RollBackQuiet {
			rolledBack++
			if !f.Everybody {
				t.Error("a worker that lives has seen more than the disk shows: want all killed")
			}
		}
	}
	if rolledBack == 0 {
		t.Error("no disk is rolled back")
	}
}

// A vendor's new habits come midway, in the order of progress, and stay.
func TestScheduleOfNewHabits(t *testing.T) {
	t.Parallel()
	o := options(40, 1)
	before := len(Schedule(o))
	o.Habits = true
	faults := Schedule(o)
	last, forGood := 0.0, 0
	for _, f := range faults {
		if f.At < last {
			t.Errorf("%s comes before what stands in front of it", f)
		}
		last = f.At
		if f.ForGood {
			forGood++
		}
	}
	if forGood != 3 || len(faults) != before+3 {
		t.Errorf("%d of %d faults are for good, want 3 more than %d", forGood, len(faults), before)
	}
}

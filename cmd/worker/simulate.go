package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pointsledger/internal/command"
	"pointsledger/vendorapi/sim"
)

// simulateOptions are the flags of worker simulate.
type simulateOptions struct {
	addr, faults, dedup, shape, frozen, nobody, kylinBody string
	seed                                                  uint64
	latency, keyMemory                                    time.Duration
	takesBack                                             bool
	records                                               sim.RecordsConfig
}

const simulateHelp = `simulate plays both vendors over HTTP: it checks signatures, keeps members,
balances and records, misbehaves as asked, and keeps its own book of how often
each key was received and applied:

  GET /_sim/book      every key (also ?format=csv)
  GET /_sim/totals    the sums
  GET /_sim/config    what can be changed while it runs; PUT changes it:

  curl -X PUT -H 'Content-Type: application/json' http://127.0.0.1:8081/_sim/config -d '{"zhimai": {"outage": "503"}}'

("close" drops calls, "off" ends it.) What the records show is a habit of the
vendor and can be changed likewise, without touching the book: echo_reason and
echo_per_record, records_lag_ms, records_keep_newest, records_keep_for_ms,
records_empty_rate (status true, code 0, no record), records_missing_rate,
records_short_page_rate, records_page_cap, records_zone, records_reason_cut;
records_stale (true: shown as they stand at that moment from then on) with
records_stale_rate, balance_stuck, identity_nobody; at Kylin body.

With --takes-back it has calls that no page of the vendors names, for accounts
whose calls are described (kind: custom): Zhimai's action user.points-deduct,
Kylin's unfreezePoint and consumePoint beside freezePoint.

It has no authentication of its own: keep it on the loopback or in a private
network. It forgets everything when it ends.`

func newSimulate() *cobra.Command {
	o := &simulateOptions{}
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Run the vendor simulator alone, to rehearse against",
		Long:  simulateHelp,
		Args:  command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			simulator, err := o.simulator()
			if err != nil {
				return err
			}
			url, stop, err := simulator.Start(o.addr)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), `vendor simulator at %[1]s (seed %[2]d, faults %[3]s, dedup %[4]s)

export ZHIMAI_URL=%[1]s/api/v2 ZHIMAI_OPEN_ID=%[5]s ZHIMAI_GRANT_CODE=%[6]s ZHIMAI_OPEN_KEY=%[7]s
export KYLIN_URL=%[1]s

book: %[1]s/_sim/book   totals: %[1]s/_sim/totals   stop: Ctrl-C
`, url, o.seed, o.faults, o.dedup, sim.DefaultOpenID, sim.DefaultGrantCode, sim.DefaultOpenKey)
			<-c.Context().Done()
			return stop()
		},
	}
	o.addFlags(c.Flags())
	return c
}

func (o *simulateOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.addr, "addr", "127.0.0.1:8081", "address to listen on")
	f.StringVar(&o.faults, "faults", "none", "none, light or heavy")
	f.StringVar(&o.dedup, "dedup", string(sim.DedupSuccess), "repeated key: success, code, off (applies again)")
	f.DurationVar(&o.keyMemory, "key-memory", 0, "how long a key is remembered; 0 is for ever")
	f.DurationVar(&o.latency, "latency", 0, "time every call takes")
	f.BoolVar(&o.takesBack, "takes-back", false, "also offer calls that the vendors' pages do not have: points-deduct, unfreezePoint, consumePoint")
	f.StringVar(&o.frozen, "frozen-suffix", "", "members whose id ends so are refused as frozen")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the faults")
	f.StringVar(&o.nobody, "identity-nobody", string(sim.NobodyRefused),
		"answer for an unknown code: refused, zero, zero_string, empty, null, null_string, absent, negative, word or no_info")
	f.StringVar(&o.kylinBody, "kylin-body", string(sim.KylinBodyWords), "body of Kylin's 200 and 201: words, empty, object, null or data")

	r := &o.records
	f.StringVar(&o.shape, "records-shape", string(sim.ShapeA), "reply shape of user-points-records: A or B")
	f.BoolVar(&r.EchoReason, "echo-reason", true, "records show the reason that was sent")
	f.BoolVar(&r.EchoPerRecord, "echo-per-record", false, "a record keeps what echo-reason was when it was written")
	f.BoolVar(&r.QuotePrevious, "records-quote-previous", false, "records show the text of the member's record before in front of their own")
	f.IntVar(&r.ReasonCut, "records-reason-cut", 0, "characters of a reason that records show; 0 is all")
	f.StringVar(&r.Zone, "records-zone", "+08:00", "offset in which record times are written")
	f.DurationVar(&r.Lag, "records-lag", 0, "time until a record is visible")
	f.IntVar(&r.KeepNewest, "records-keep-newest", 0, "newest records of a member that are shown; 0 is all")
	f.DurationVar(&r.KeepFor, "records-keep-for", 0, "age up to which records are shown; 0 is all")
	f.Float64Var(&r.EmptyRate, "records-empty-rate", 0, "share of readings that show a success without any record")
	f.Float64Var(&r.MissingRate, "records-missing-rate", 0, "share of records that are never shown")
	f.IntVar(&r.PageCap, "records-page-cap", 0, "most rows of a page, whatever is asked for; 0 is 1000")
	f.Float64Var(&r.ShortPageRate, "records-short-page-rate", 0, "share of pages that lack the second half of their rows")
}

// simulator makes the simulator of the flags, or a usage error.
func (o *simulateOptions) simulator() (*sim.Simulator, error) {
	switch {
	case o.latency < 0 || o.keyMemory < 0 || o.records.Lag < 0:
		return nil, command.Usagef("--latency, --key-memory, --records-lag: want 0 or more")
	case o.dedup != string(sim.DedupSuccess) && o.dedup != string(sim.DedupCode) && o.dedup != string(sim.DedupOff):
		return nil, command.Usagef("--dedup: want success, code or off, got %q", o.dedup)
	case o.shape != string(sim.ShapeA) && o.shape != string(sim.ShapeB):
		return nil, command.Usagef("--records-shape: want A or B, got %q", o.shape)
	}
	preset, err := sim.FaultsPreset(o.faults)
	if err != nil {
		return nil, command.Usagef("--faults: want none, light or heavy, got %q", o.faults)
	}
	rule := sim.Dedup{Mode: sim.DedupMode(o.dedup), KeyMemory: o.keyMemory}
	o.records.Shape = sim.Shape(o.shape)
	simulator, err := sim.New(sim.Config{Seed: o.seed, Latency: o.latency, TakesBack: o.takesBack,
		Zhimai: sim.ZhimaiConfig{Faults: preset, Dedup: rule, Records: o.records,
			Identity: sim.IdentityConfig{Nobody: sim.Nobody(o.nobody)}},
		Kylin:   sim.KylinConfig{Faults: preset, Dedup: rule, Body: sim.KylinBody(o.kylinBody)},
		Members: sim.MembersConfig{FrozenSuffix: o.frozen}})
	if err != nil {
		return nil, command.Usagef("%w", err)
	}
	return simulator, nil
}

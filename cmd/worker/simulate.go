package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/vendorapi/sim"
)

func newSimulate() *cobra.Command {
	var addr, faults, dedup, shape, frozen string
	var seed uint64
	var latency, keyMemory, lag time.Duration
	var echo bool
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Run the vendor simulator alone, to rehearse against",
		Long: `simulate plays both vendors over HTTP: it checks signatures, keeps members,
balances and records, misbehaves as asked, and keeps its own book of how often
each key was received and applied:

  GET /_sim/book      every key (also ?format=csv)
  GET /_sim/totals    the sums
  GET /_sim/config    what can be changed while it runs; PUT changes it:

  curl -X PUT http://127.0.0.1:8081/_sim/config \
    -d '{"zhimai": {"outage": "503"}}'      # "close" drops calls, "off" ends it

It has no authentication of its own: keep it on the loopback or in a private
network. It forgets everything when it ends.`,
		Args: command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case latency < 0 || keyMemory < 0 || lag < 0:
				return command.Usagef("--latency, --key-memory, --records-lag: want 0 or more")
			case dedup != string(sim.DedupSuccess) && dedup != string(sim.DedupCode) && dedup != string(sim.DedupOff):
				return command.Usagef("--dedup: want success, code or off, got %q", dedup)
			case shape != string(sim.ShapeA) && shape != string(sim.ShapeB):
				return command.Usagef("--records-shape: want A or B, got %q", shape)
			}
			preset, err := sim.FaultsPreset(faults)
			if err != nil {
				return command.Usagef("--faults: want none, light or heavy, got %q", faults)
			}
			rule := sim.Dedup{Mode: sim.DedupMode(dedup), KeyMemory: keyMemory}
			simulator, err := sim.New(sim.Config{Seed: seed, Latency: latency,
				Zhimai: sim.ZhimaiConfig{Faults: preset, Dedup: rule,
					Records: sim.RecordsConfig{Shape: sim.Shape(shape), EchoReason: echo, Lag: lag}},
				Kylin:   sim.KylinConfig{Faults: preset, Dedup: rule},
				Members: sim.MembersConfig{FrozenSuffix: frozen}})
			if err != nil {
				return command.Usagef("%w", err)
			}
			url, stop, err := simulator.Start(addr)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), `vendor simulator at %[1]s (seed %[2]d, faults %[3]s, dedup %[4]s)

export ZHIMAI_URL=%[1]s/api/v2 ZHIMAI_OPEN_ID=%[5]s ZHIMAI_GRANT_CODE=%[6]s ZHIMAI_OPEN_KEY=%[7]s
export KYLIN_URL=%[1]s

book: %[1]s/_sim/book   totals: %[1]s/_sim/totals   stop: Ctrl-C
`, url, seed, faults, dedup, sim.DefaultOpenID, sim.DefaultGrantCode, sim.DefaultOpenKey)
			<-c.Context().Done()
			return stop()
		},
	}
	f := c.Flags()
	f.StringVar(&addr, "addr", "127.0.0.1:8081", "address to listen on")
	f.StringVar(&faults, "faults", "none", "none, light or heavy")
	f.StringVar(&dedup, "dedup", string(sim.DedupSuccess), "repeated key: success, code, off (applies again)")
	f.DurationVar(&keyMemory, "key-memory", 0, "how long a key is remembered; 0 is for ever")
	f.DurationVar(&latency, "latency", 0, "time every call takes")
	f.StringVar(&shape, "records-shape", "A", "reply shape of user-points-records: A or B")
	f.BoolVar(&echo, "echo-reason", true, "records show the reason that was sent")
	f.DurationVar(&lag, "records-lag", 0, "time until a record is visible")
	f.StringVar(&frozen, "frozen-suffix", "", "members whose id ends so are refused as frozen")
	f.Uint64Var(&seed, "seed", 1, "seed of the faults")
	return c
}

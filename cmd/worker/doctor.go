package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/internal/doctor"
	"pointsledger/vendorapi/kinds"
)

// doctorOptions are the flags of `worker doctor`.
type doctorOptions struct {
	asJSON, yes     bool
	member, account string
	// operator is who is recorded for a live check.
	operator     string
	wait, settle time.Duration
	// forget is the account whose learned habits are to be forgotten, and reason why.
	forget, reason string
}

func newDoctor() *cobra.Command {
	var o doctorOptions
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check configuration, servers and vendor accounts, and say what to do",
		Long: `doctor looks at the configuration, at Postgres (schema, rights, durability), at
NATS (stream and durable consumer) and at each vendor account that is on, and
says in one line each what it found and what to do:

  ✓ well    ! works, but look at it    ✗ wrong

Without --live-member it changes nothing. At Zhimai it asks who a member is,
with a code that nobody has, and again with a wrong signature on purpose: an
account whose signature is right gets different answers. At Kylin there is no
call that only reads: doctor connects, and can say nothing about credentials.

  worker doctor --live-member ID --yes

grants 1 real point twice, under one bizId, to that member of the account, and
reads the member's identity and records before and after. It learns whether
bizId is honoured and with which answer, whether the reason is shown in the
records, after how long, and whether customerId works as user_id. A vendor that
does not honour bizId really grants 2 points. Take a member of your own that
nobody else uses. The points have no operation in the ledger; their reason is
"points-ledger doctor #" and a reference. Before it grants, it records in
ops_actions who does it, for which member and bizId, and afterwards what came of
it. What was learned is kept in the ledger, for the account at the address and
open id that it has now; what belongs into the configuration is printed,
verify_after too. Without --yes it says what it would do.

  worker doctor --forget ACCOUNT --reason WHY --yes

forgets what the workers have learned of an account by sampling: whether its
records show our references, how late, in which zone, and whether keys were seen
honoured. It is for a vendor that changed behind the same address. Workers begin
anew by themselves; until then a row in doubt is not judged absent. Without --yes
it says what is known. It looks at nothing else.

Exit codes: 0 nothing is wrong (there may be lines with !), 2 the configuration
is not enough to run, 3 something is wrong (a line with ✗).`,
		Example: `  worker doctor
  worker doctor --json
  worker doctor --live-member 383933091455959041 --yes
  worker doctor --forget zhimai --reason "moved to the new platform" --yes`,
		Args: command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runDoctor(c, o) },
	}
	c.Flags().BoolVar(&o.asJSON, "json", false, "print one JSON object")
	c.Flags().StringVar(&o.member, "live-member", "", "customerId of a member of your own, for the live check")
	c.Flags().BoolVar(&o.yes, "yes", false, "--live-member: really grant, up to 2 points; --forget: really forget")
	c.Flags().StringVar(&o.account, "account", defaultLiveAccount(), "--live-member: the Zhimai account to check")
	c.Flags().StringVar(&o.operator, "operator", "", "--live-member, --forget: who; the user of this machine unless given")
	c.Flags().StringVar(&o.forget, "forget", "", "the account whose learned habits are to be forgotten")
	c.Flags().StringVar(&o.reason, "reason", "", "--forget: why; it is recorded")
	c.Flags().DurationVar(&o.wait, "wait", time.Minute, "--live-member: how long the record of the grant may take to show")
	c.Flags().DurationVar(&o.settle, "settle", doctor.DefaultSettle, "--live-member: how long to watch at least for a second grant in the records")
	return c
}

// check says what is wrong with the flags alone, and finds out who acts.
func (o *doctorOptions) check(c *cobra.Command) error {
	if c.Flags().Changed("forget") {
		return o.checkForget(c)
	}
	if c.Flags().Changed("reason") {
		return command.Usagef("--reason: want --forget ACCOUNT with it")
	}
	if o.member == "" {
		for _, flag := range []string{"live-member", "yes", "account", "operator", "wait", "settle"} {
			if c.Flags().Changed(flag) {
				return command.Usagef("--%s: want --live-member ID with it, the member to grant to", flag)
			}
		}
		return nil
	}
	if len(o.member) > 32 || strings.Trim(o.member, "0123456789") != "" {
		return command.Usagef("--live-member: want 1 to 32 digits, got %q", o.member)
	}
	if o.wait < 0 || o.wait > time.Hour {
		return command.Usagef("--wait: want 0s to 1h, got %s", o.wait)
	}
	if o.settle < 0 || o.settle > time.Hour {
		return command.Usagef("--settle: want 0s to 1h, got %s", o.settle)
	}
	var err error
	o.operator, err = command.Operator(o.operator, c.Flags().Changed("operator"))
	return err
}

func runDoctor(c *cobra.Command, o doctorOptions) error {
	if err := o.check(c); err != nil {
		return err
	}
	if o.forget != "" {
		return forget(c, o)
	}
	cfg, err := loadConfigQuietly()
	if err != nil {
		return err
	}
	var live config.Account
	if o.member != "" {
		if live, err = liveAccount(cfg, o.account); err != nil {
			return err
		}
	}
	d := doctor.New(cfg, doctor.Worker{Connections: workerConnections(len(cfg.On()), cfg.NATS.BatchesInFlight),
		KeeperConnections: keeperConnections, Called: calledByUs})
	defer d.Close()
	d.Look(c.Context())
	if o.member != "" {
		d.CheckLive(c.Context(), live, doctor.LiveOptions{Member: o.member, Operator: o.operator, Yes: o.yes, Wait: o.wait, Settle: o.settle,
			Granting: func(what string) { fmt.Fprintf(c.ErrOrStderr(), "warning: %s\n", what) }})
	}
	if err := printReport(c.OutOrStdout(), d.Report, o.asJSON); err != nil {
		return err
	}
	if err := cfg.ReadyToRun(false); err != nil {
		return err
	}
	if d.Wrong > 0 {
		return wrongError(d.Wrong)
	}
	return nil
}

// wrongError is what ends doctor when it found something wrong: exit code 3.
type wrongError int

func (n wrongError) Error() string {
	if n == 1 {
		return "1 thing is wrong, see the line with ✗"
	}
	return fmt.Sprintf("%d things are wrong, see the lines with ✗", int(n))
}

func (n wrongError) Is(target error) bool { return target == command.ErrDisagree }

func printReport(out io.Writer, d doctor.Report, asJSON bool) error {
	if asJSON {
		return printJSON(out, d)
	}
	signs := map[doctor.Verdict]string{doctor.OK: "✓", doctor.Note: "!", doctor.Wrong: "✗"}
	for _, line := range d.Checks {
		do := ""
		if line.Do != "" {
			do = " → " + line.Do
		}
		fmt.Fprintf(out, "%s %-24s %s%s\n", signs[line.Verdict], line.Check, line.Found, do)
	}
	if d.Live != nil && len(d.Live.Advice) > 0 {
		fmt.Fprintf(out, "\nFor WORKER_CONFIG, under the account named %s:\n", d.Live.Account)
		for _, line := range d.Live.Advice {
			fmt.Fprintf(out, "  %s\n", line)
		}
	}
	return nil
}

// defaultLiveAccount is the own account of the first kind that has records.
func defaultLiveAccount() string {
	for _, kind := range kinds.All() {
		if kind.Records {
			return kind.Name
		}
	}
	return ""
}

// liveAccount is the account to grant at; the error is a wrong use.
func liveAccount(cfg *config.Config, name string) (config.Account, error) {
	v, found := cfg.Account(name)
	switch {
	case !found:
		return v, command.Usagef("--account: no account is named %q", name)
	case !v.Reads:
		return v, command.Usagef("--account: %s is a %s account; the live check needs Zhimai's records", name, v.Kind)
	case !v.On():
		return v, command.Usagef("--account: %s is off: %s", name, v.OffBecause())
	}
	return v, nil
}

// loadConfigQuietly is loadConfig without the warnings, which doctor reports.
func loadConfigQuietly() (*config.Config, error) { return config.Load(os.Environ(), os.ReadFile) }

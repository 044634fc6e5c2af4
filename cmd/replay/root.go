package main

import (
	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/records"
	"pointsledger/desk/workitems"
	"pointsledger/internal/accounts"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/ledger/rulefiles"
)

// terminalNames is how texts call what they tell a person to do.
var terminalNames = steps.Names()

// newRoot makes the command for an environment (what os.Environ gives).
func newRoot(environ []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "replay",
		Short: "See what is stuck and why, and have it sent again without paying twice",
		Long: `replay shows what waits for a person (parked operations, rejected events), and
acts on what the person decides. Running workers take what is put back within a
second or two; it works without them, too.

On a bad night:
  replay status                          what is stuck, and what to do next
  replay list --cause refused            which operations, and what the vendor said
  replay show SO-1001                    everything about one order
  replay run --cause refused             what a replay would do; stores it as a plan
  replay run --plan P-7K2M --yes --reason "members unfrozen"
                                         puts back exactly what was shown

Nothing is changed without --yes and --reason. A replay keeps the dedup key.
What is being sent is never touched. What is in doubt (the vendor may have
applied it) is looked up in the vendor's records first where the account says
in_doubt: verify; elsewhere it goes only while the vendor remembers the key.
Every act is recorded with who, when and why (replay log).

DATABASE_URL is all that most of it needs. It reads the same configuration as
the worker (WORKER_CONFIG) to know how each account treats doubt: give it the
same file. member and run --probe read from the vendor and want its
credentials; stream wants NATS_URL.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 done, but not
everything could be done.`,
		Args: command.Args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.AddCommand(newStatus(environ), newList(environ), newShow(environ), newRun(environ))
	root.AddCommand(newStream(environ))
	root.AddCommand(newVoid(environ), newSettle(environ), newResolve(environ), newPause(environ), newResume(environ), newLog(environ))
	root.AddCommand(newPlans(environ), newCancel(environ))
	root.AddCommand(newMember(environ))
	root.AddCommand(newRejects(environ), newWorkItems(environ))
	return root
}

// session is one run of a command: the configuration and an open ledger.
type session struct {
	config *config.Config
	store  *ledger.Store
	desk   *desk.Desk
	items  *workitems.Items
	files  *rulefiles.Registry
	close  func()
}

// open reads the configuration and opens the ledger. The caller closes.
func open(c *cobra.Command, environ []string) (*session, error) {
	cfg, pool, err := command.OpenLedger(c, environ, "the worker's Postgres URL, such as postgres://ledger@db/points")
	if err != nil {
		return nil, err
	}
	book := ledger.New(pool)
	return &session{config: cfg, store: book, desk: desk.New(pool, book), items: workitems.New(pool), files: rulefiles.New(pool), close: pool.Close}, nil
}

// records looks into the vendors' records with what is configured here.
func (s *session) records() *records.Lookup {
	return records.New(s.desk, s.store, accounts.ForRecords(s.config), accounts.Readers{Config: s.config}, terminalNames)
}

// accountNames are the configured accounts.
func (s *session) accountNames() []string {
	names := make([]string, len(s.config.Accounts))
	for i, v := range s.config.Accounts {
		names[i] = v.Name
	}
	return names
}

// keyMemories are the accounts' key memories as the worker's claim sees them.
func (s *session) keyMemories() []desk.KeyMemory { return accounts.KeyMemories(s.config) }

package runs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"pointsledger/evidence"
)

// The sources of records.
const (
	fromVendor = "vendor"
	fromFile   = "file"
	fromNone   = "none"
)

// The states of a run.
const (
	stateReading   = "reading"
	stateComparing = "comparing"
	stateDone      = "done"
	stateFailed    = "failed"
)

// sqlFailed ends a run whose file cannot be read.
const sqlFailed = `UPDATE reconcile_runs SET state = 'failed' WHERE id = $1 AND state = 'reading'`

// running is one run under way.
type running struct {
	*Runs
	id     int64
	source string
	choice Choice
	state  string
	// accounts are those that are compared; names are theirs.
	accounts []Account
	names    []string
	// from is the window's first instant, until the first after it.
	from, until time.Time
	zone        *time.Location
	// exportedAt is when the file was written.
	exportedAt time.Time
	soleSource bool
	noBalances bool
	file       *File
	progress   func(Progress)
	telling    sync.Mutex // progress hears one thing at a time

	// what is known of each account, by its name.
	known map[string]evidence.Knowledge
	// pad is how far a record may be from its posting; reachBack is the earliest call of
	// what was posted in the window or near it.
	pad       time.Duration
	reachBack time.Time
}

// Run makes a comparison, or goes on with one, and answers with what it found. On an
// error the run is kept as far as it came, and Asked.Resume goes on with it.
func (r *Runs) Run(ctx context.Context, a Asked) (Summary, error) {
	run, err := r.begin(ctx, &a)
	if err != nil {
		return Summary{}, mayNotWrite(err)
	}
	if err := run.know(ctx); err != nil {
		return Summary{Run: run.id}, err
	}
	if run.state == stateReading {
		switch run.source {
		case fromVendor:
			err = run.readMembers(ctx)
		case fromFile:
			if err = run.load(ctx); err != nil {
				err = errors.Join(err, run.fail(ctx))
			}
		}
		if err != nil {
			return Summary{Run: run.id}, mayNotWrite(err)
		}
	}
	if err := run.compare(ctx); err != nil {
		return Summary{Run: run.id}, mayNotWrite(err)
	}
	return r.Show(ctx, run.id)
}

// fail ends a run whose file was not loaded, also when ctx is cancelled.
func (run *running) fail(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return pgx.BeginTxFunc(ctx, run.pool, readWrite, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sqlFailed, run.id)
		return err
	})
}

const (
	insufficientPrivilege = "42501"
	readOnlyTransaction   = "25006"
)

// mayNotWrite makes ErrMayNotWrite of what the database's user may not do.
func mayNotWrite(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) && (refused.Code == insufficientPrivilege || refused.Code == readOnlyTransaction) {
		return fmt.Errorf("%w: %s", ErrMayNotWrite, refused.Message)
	}
	return err
}

// readWrite says that a transaction writes: a login of finance may read only unless it
// says so. Whoever waited for another one's row sees what that one wrote.
var readWrite = pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}

// sqlInsertRun begins a run.
const sqlInsertRun = `
INSERT INTO reconcile_runs (account, from_date, to_date, zone, from_at, until_at, source, members_asked, file, read_at, sole_source, made_by)
VALUES (@account, @from_date::date, @to_date::date, @zone, @from_at, @until_at, @source, @members_asked, NULLIF(@file::text, ''), @read_at, @sole_source, @made_by)
RETURNING id`

func (r *Runs) begin(ctx context.Context, a *Asked) (*running, error) {
	if a.Resume != 0 {
		return r.resume(ctx, a)
	}
	run := &running{Runs: r, choice: a.Choice, state: stateReading, zone: a.Zone, soleSource: a.SoleSource, noBalances: a.NoBalances, file: a.File, progress: a.Progress}
	if err := run.window(a.From, a.To); err != nil {
		return nil, err
	}
	if err := run.choose(ctx, a.Account, a.File != nil); err != nil {
		return nil, err
	}
	args := pgx.StrictNamedArgs{"account": a.Account, "from_date": a.From, "to_date": a.To, "zone": a.Zone.String(), "from_at": run.from, "until_at": run.until,
		"source": run.source, "file": "", "read_at": nil, "sole_source": a.SoleSource, "made_by": a.MadeBy}
	if a.File != nil {
		run.exportedAt = a.File.ExportedAt
		args["file"], args["read_at"] = a.File.Name, a.File.ExportedAt
	}
	if run.choice == "" {
		if run.choice = Changed; run.source == fromFile {
			run.choice = All
		}
	}
	args["members_asked"] = run.choice
	err := pgx.BeginTxFunc(ctx, r.pool, readWrite, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, sqlInsertRun, args).Scan(&run.id); err != nil {
			return fmt.Errorf("begin a run: %w", err)
		}
		return run.insertMembers(ctx, tx, a)
	})
	return run, err
}

// window reads the days of the window.
func (run *running) window(from, to string) (err error) {
	if run.from, err = time.ParseInLocation(time.DateOnly, from, run.zone); err != nil {
		return fmt.Errorf("read the first day: %w", err)
	}
	last, err := time.ParseInLocation(time.DateOnly, to, run.zone)
	if err != nil {
		return fmt.Errorf("read the last day: %w", err)
	}
	if last.Before(run.from) {
		return fmt.Errorf("the last day %s is before the first, %s", to, from)
	}
	run.until = last.AddDate(0, 0, 1)
	return nil
}

// sqlKnowsAccount tells whether the ledger has operations of an account
// (operations_one_per_key).
const sqlKnowsAccount = `SELECT EXISTS (SELECT 1 FROM operations WHERE target = $1)`

// choose finds the accounts that are compared, and where their records are from.
func (run *running) choose(ctx context.Context, name string, file bool) error {
	run.source = fromNone
	for _, a := range run.Runs.accounts {
		if name == "" || a.Name == name {
			run.accounts, run.names = append(run.accounts, a), append(run.names, a.Name)
			if a.Reader != nil {
				run.source = fromVendor
			}
		}
	}
	if file {
		run.source = fromFile
	}
	for _, a := range run.accounts {
		if run.source == fromNone && a.Off != "" {
			return &OffError{a.Name, a.Off}
		}
	}
	if len(run.names) > 0 {
		return nil
	}
	known := false
	if err := run.pool.QueryRow(ctx, sqlKnowsAccount, name).Scan(&known); err != nil {
		return fmt.Errorf("look for account %s: %w", name, err)
	}
	if !known || !file {
		return &UnknownAccountError{name}
	}
	run.accounts, run.names = []Account{{Name: name}}, []string{name}
	return nil
}

// sqlResume reads what a run is to compare (reconcile_runs_pkey); no row means that there is
// none.
const sqlResume = `
SELECT account, from_date::text, to_date::text, zone, source, members_asked, state, read_at, sole_source
  FROM reconcile_runs
 WHERE id = $1`

func (r *Runs) resume(ctx context.Context, a *Asked) (*running, error) {
	run := &running{Runs: r, id: a.Resume, noBalances: a.NoBalances, progress: a.Progress}
	var account, from, to, zone, source string
	var exported *time.Time
	err := r.pool.QueryRow(ctx, sqlResume, a.Resume).Scan(&account, &from, &to, &zone, &source, &run.choice, &run.state, &exported, &run.soleSource)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, ErrNoRun
	case err != nil:
		return nil, fmt.Errorf("read run %d: %w", a.Resume, err)
	case run.state == stateDone:
		return nil, ErrDone
	case run.state == stateFailed, run.state == stateReading && source == fromFile:
		return nil, ErrFileRun
	}
	if exported != nil {
		run.exportedAt = *exported
	}
	if run.zone, err = time.LoadLocation(zone); err != nil {
		return nil, fmt.Errorf("read the zone of run %d: %w", a.Resume, err)
	}
	if err := run.window(from, to); err != nil {
		return nil, err
	}
	return run, run.choose(ctx, account, source == fromFile)
}

// sqlReachBack finds when the first call began of what ended in the window or near it
// (postings_posted_at_brin).
const sqlReachBack = `
SELECT min(CASE WHEN p.evidence IN ('already_applied', 'manual') THEN LEAST(p.first_sent_at, o.broker_time, o.recorded_at)
                ELSE COALESCE(p.first_sent_at, LEAST(o.broker_time, o.recorded_at)) END)
  FROM postings p
  JOIN operations o ON o.id = p.operation_id
 WHERE p.posted_at >= $1 AND p.posted_at < $2 AND o.target = ANY ($3)`

// longestDoubt bounds how far before the window a call is looked for.
const longestDoubt = 90 * 24 * time.Hour

// know finds out what is known of the accounts' records.
func (run *running) know(ctx context.Context) error {
	all, err := run.Runs.known.KnownEndpoints(ctx)
	if err != nil {
		return err
	}
	run.known = map[string]evidence.Knowledge{}
	for _, a := range run.accounts {
		known := evidence.Knowledge{MaxLag: a.Beliefs.VerifyAfter, ClockSkew: a.Beliefs.ClockSkew}
		for _, k := range all { // the newest endpoint of an account is the first
			if k.Account == a.Name && (a.Reader == nil || a.Reader.Endpoint() == k.Endpoint) {
				known = evidence.KnowledgeOf(k.EndpointKnowledge, a.Beliefs)
				break
			}
		}
		if run.source == fromFile { // the map says the zone
			known.Zone = evidence.Zone{Known: true}
		}
		run.known[a.Name] = known
		run.pad = max(run.pad, known.MaxLag+evidence.ZoneSlack) // also where the zone proves to be another
	}
	run.reachBack = run.from.Add(-2 * run.pad)
	var first *time.Time
	if err := run.pool.QueryRow(ctx, sqlReachBack, run.from.Add(-run.pad), run.until.Add(run.pad), run.names).Scan(&first); err != nil {
		return fmt.Errorf("look for the first call of the window: %w", err)
	}
	if first != nil && first.Before(run.reachBack) {
		run.reachBack = *first
	}
	if limit := run.from.Add(-longestDoubt); run.reachBack.Before(limit) {
		run.reachBack = limit
	}
	return nil
}

// tell tells who watches.
func (run *running) tell(p Progress) {
	if run.progress == nil {
		return
	}
	run.telling.Lock()
	defer run.telling.Unlock()
	p.Run = run.id
	run.progress(p)
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/internal/accounts"
	"pointsledger/internal/command"
	"pointsledger/reconcile/feed"
	comparison "pointsledger/reconcile/runs"
)

type runOptions struct {
	asks                   comparison.Asked
	zone, operator         string
	members, records, fmap string
	exported               string
	exportedAt             time.Time
	changed, all           bool
	columns                *feed.Map
}

func newRun(environ []string) *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run",
		Short: "Compare what was posted in some days with the vendor's records",
		Long: `run sets what the ledger posted from one day to another beside the vendor's records
of the members, keeps the comparison, and says what differs. It changes nothing.

Records are read from the vendor, of the members with a movement in these days; of
--all members, of a --sample, or of those in a file (--members). That goes at the
account's own rate, shared with the workers, and waits while its gate is closed: 10
calls in a second read some 18,000 members in an hour. Stopped, it goes on with
--resume. Or the records are an export of the vendor's (--records with --map), for
which no vendor is asked.

A day is one of the programme's zone, and a posting is of the day on which it was
posted. Our reference at the end of a record's text closes a pair; where records do
not show it, pairs of equal points and time are proposed, and counted apart.

Not compared, and counted: freezes, which show in no records and rest on the
vendor's answer; members that were not read; what the records do not reach back to.
"coverage" is the share of the postings that was compared. Balances are compared
where the vendor tells them and its records tell what was before them; never those
of a file.

Exit codes: 0 nothing is unexplained, 3 something is, 1 failed, 2 wrong usage.`,
		Example: `  reconcile run --from 2026-11-01 --to 2026-11-30
  reconcile run --from 2026-11-01 --to 2026-11-30 --account zhimai --sample 200
  reconcile run --from 2026-11-01 --to 2026-11-30 --records export.xlsx --map zhimai.yaml --json
  reconcile run --resume 12`,
		Args: command.Args(cobra.NoArgs),
		RunE: runs(environ, &o),
	}
	f := c.Flags()
	f.StringVar(&o.asks.From, "from", "", "the first day, such as 2026-11-01")
	f.StringVar(&o.asks.To, "to", "", "the last day, such as 2026-11-30")
	f.StringVar(&o.asks.Account, "account", "", "vendor account; all that are configured unless given")
	f.BoolVar(&o.changed, "changed", false, "read the members with a movement in these days (default)")
	f.BoolVar(&o.all, "all", false, "read all members that the ledger knows")
	f.IntVar(&o.asks.SampleSize, "sample", 0, "read so many of the members with a movement, drawn by the run's number")
	f.StringVar(&o.members, "members", "", "read the members of this file, one id a line")
	f.StringVar(&o.records, "records", "", "compare with this export of the vendor's, CSV or XLSX, instead of asking the vendor")
	f.StringVar(&o.fmap, "map", "", "which column of --records is what: a YAML file with columns {member, points, text, at}")
	f.StringVar(&o.exported, "exported-at", "", "when --records was written: RFC 3339, or an age; the file's own time unless given")
	f.StringVar(&o.zone, "zone", "", "the zone of the days; the programme's unless given")
	f.BoolVar(&o.asks.NoBalances, "no-balances", false, "do not ask for the members' balances")
	f.BoolVar(&o.asks.SoleSource, "sole-source", false, "nothing but this worker grants points here: a grant without our reference is a difference")
	f.Int64Var(&o.asks.Resume, "resume", 0, "go on with a run that was stopped")
	f.StringVar(&o.operator, "operator", "", "who compares; the user of this machine unless given")
	f.Bool("json", false, "print one JSON object on one line")
	return c
}

func (o *runOptions) read(c *cobra.Command, _ []string) (err error) {
	if err := command.NoneEmpty(c, "from", "to", "account", "members", "records", "map", "exported-at", "zone"); err != nil {
		return err
	}
	q := &o.asks
	if q.MadeBy, err = command.Operator(o.operator, c.Flag("operator").Changed); err != nil {
		return err
	}
	if c.Flag("resume").Changed {
		return o.readResume(c)
	}
	if q.From == "" || q.To == "" {
		return command.Usagef("want --from and --to: the first and the last day, such as 2026-11-01")
	}
	for flag, text := range map[string]string{"from": q.From, "to": q.To} {
		if err := checkDate(flag, text); err != nil {
			return err
		}
	}
	if q.To < q.From {
		return command.Usagef("--to %s is before --from %s", q.To, q.From)
	}
	if err := o.readChoice(c); err != nil {
		return err
	}
	return o.readRecords()
}

// readResume sees that nothing is asked for anew.
func (o *runOptions) readResume(c *cobra.Command) error {
	for _, flag := range []string{"from", "to", "account", "changed", "all", "sample", "members", "records", "map", "exported-at", "zone", "sole-source"} {
		if c.Flag(flag).Changed {
			return command.Usagef("--resume and --%s: a run keeps what it was asked; leave one of the two out", flag)
		}
	}
	if o.asks.Resume < 1 {
		return command.Usagef("--resume: want the number of a run; `reconcile runs` lists them")
	}
	return nil
}

// readChoice reads whose records are compared.
func (o *runOptions) readChoice(c *cobra.Command) error {
	var chosen []string
	for flag, choice := range map[string]comparison.Choice{"changed": comparison.Changed, "all": comparison.All, "sample": comparison.Sample, "members": comparison.List} {
		if c.Flag(flag).Changed && c.Flag(flag).Value.String() != "false" {
			chosen = append(chosen, "--"+flag)
			o.asks.Choice = choice
		}
	}
	switch {
	case len(chosen) > 1:
		return command.Usagef("%s: want one of them", strings.Join(chosen, " and "))
	case o.asks.Choice == comparison.Sample && o.asks.SampleSize < 1:
		return command.Usagef("--sample: want a number of members, 1 or more, got %d", o.asks.SampleSize)
	case o.records != "" && len(chosen) == 1 && o.asks.Choice != comparison.List:
		return command.Usagef("--records and %s: a file is compared whole, or for the members of --members", chosen[0])
	case o.asks.Choice != comparison.List:
		return nil
	}
	var err error
	o.asks.Members, err = readLines(o.members)
	return err
}

// maxListed bounds the members of a file, and maxLine a line of it.
const (
	maxListed = 1_000_000
	maxLine   = 200
)

// readLines reads ids, one a line; empty lines and a byte order mark are left out.
func readLines(path string) (lines []string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, command.Usagef("--members: %w", err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	for n := 1; scanner.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(scanner.Text(), "\ufeff"))
		switch {
		case line == "":
		case len(line) > maxLine || strings.ContainsAny(line, ",;\t"):
			return nil, command.Usagef("%s:%d: want one member's id on a line, got %.40q", path, n, privacy.Mobiles(line))
		case len(lines) == maxListed:
			return nil, command.Usagef("%s: want at most %s members", path, wording.Count(maxListed))
		default:
			lines = append(lines, line)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(lines) == 0 {
		return nil, command.Usagef("%s: want at least one member's id, and there is none", path)
	}
	return lines, nil
}

// readRecords reads the map of an export, and when that was written.
func (o *runOptions) readRecords() (err error) {
	switch {
	case o.records == "" && (o.fmap != "" || o.exported != ""):
		return command.Usagef("--map and --exported-at are about --records: add it, or leave them out")
	case o.records == "":
		return nil
	case o.fmap == "":
		return command.Usagef("--records needs --map: which column is the member, the points, the text and the time")
	}
	now := time.Now()
	if o.exportedAt, err = command.PointInTime("exported-at", o.exported, now); err != nil {
		return err
	}
	about, err := os.Stat(o.records)
	if err != nil {
		return command.Usagef("--records: %w", err)
	}
	if o.exportedAt.IsZero() {
		o.exportedAt = about.ModTime()
	}
	if o.exportedAt.After(now) {
		o.exportedAt = now
	}
	if o.columns, err = feed.ReadMap(o.fmap); err != nil {
		return command.Usagef("--map: %w", err)
	}
	return nil
}

func (o *runOptions) call(c *cobra.Command, s *session) (page, error) {
	q := o.asks
	q.Zone = s.config.Rules.Zone()
	if o.zone != "" {
		zone, err := time.LoadLocation(o.zone)
		if err != nil || o.zone == "Local" {
			return nil, command.Usagef("--zone: want a name such as Asia/Shanghai, got %q", o.zone)
		}
		q.Zone = zone
	}
	if o.records != "" {
		if err := o.openFile(s, &q); err != nil {
			return nil, err
		}
	}
	configured, closeAll, err := accounts.ForReconcile(s.config, o.records == "")
	if err != nil {
		return nil, err
	}
	defer closeAll()
	progress := command.NewProgress(c.ErrOrStderr())
	q.Progress = func(p comparison.Progress) { progress.Show("%s", progressWords(p)) }
	found, err := comparison.New(s.pool, configured).Run(c.Context(), q)
	progress.Done()
	if err != nil {
		return nil, runRefused(err, found.Run)
	}
	return &runPage{Summary: found}, verdict(&found)
}

// openFile has the rows of the export read as records, of the one account that has some.
func (o *runOptions) openFile(s *session, q *comparison.Asked) error {
	if q.Account == "" {
		var names []string
		for _, v := range s.config.Accounts {
			if v.Reads {
				names = append(names, v.Name)
			}
		}
		if len(names) != 1 {
			return command.Usagef("--records needs --account: of which account is this file? (%s)", strings.Join(names, ", "))
		}
		q.Account = names[0]
	}
	file, err := o.columns.Open(o.records, feed.Needs{Filled: []feed.Field{feed.Member, feed.Points, feed.At}})
	if err != nil {
		return command.Usagef("--records: %w", err)
	}
	s.closeLater(func() { _ = file.Close() })
	q.File = &comparison.File{Name: o.records, ExportedAt: o.exportedAt, Records: recordsOf(file)}
	return nil
}

// maxBadCells bounds the cells that are named before a file is given up.
const maxBadCells = 10

var errMoreCells = errors.New("and there are more; nothing was compared")

// recordsOf are the rows of a file as records. All cells that cannot be read are named, up
// to a bound: a file that is half read would miss records.
func recordsOf(file *feed.File) iter.Seq2[comparison.Record, error] {
	return func(yield func(comparison.Record, error) bool) {
		var bad []error
		for row, err := range file.Rows() {
			var cell *feed.CellError
			switch {
			case errors.As(err, &cell) && len(bad) < maxBadCells:
				bad = append(bad, err)
			case cell != nil:
				yield(comparison.Record{}, errors.Join(append(bad, errMoreCells)...))
				return
			case err != nil:
				yield(comparison.Record{}, errors.Join(append(bad, err)...))
				return
			case len(bad) > 0:
			case !yield(comparison.Record{MemberID: row.Member, Points: row.Points, Text: row.Text, At: row.At, DateOnly: row.DateOnly}, nil):
				return
			}
		}
		if len(bad) > 0 {
			yield(comparison.Record{}, errors.Join(bad...))
		}
	}
}

func progressWords(p comparison.Progress) string {
	switch {
	case p.Waits != "":
		return fmt.Sprintf("run %d waits: %s", p.Run, p.Waits)
	case p.Phase == comparison.Reading:
		return fmt.Sprintf("run %d: %s of %s members read, about %s left", p.Run, wording.Count(p.Done), wording.Count(p.Total), p.Left)
	case p.Phase == comparison.Loading:
		return fmt.Sprintf("run %d: %s rows of the file read", p.Run, wording.Count(p.Done))
	}
	return fmt.Sprintf("run %d: %s of %s postings compared", p.Run, wording.Count(p.Done), wording.Count(p.Total))
}

// runRefused words what a person can do about a run that failed.
func runRefused(err error, run int64) error {
	var unknown *comparison.UnknownAccountError
	var off *comparison.OffError
	goOn := fmt.Sprintf("what was read is kept, and `reconcile run --resume %d` goes on", run)
	switch {
	case errors.As(err, &unknown):
		return command.Usagef("--account: %w, and the ledger has no operation of it", err)
	case errors.As(err, &off):
		return command.Usagef("%w: nobody can be asked for records; WORKER_CONFIG and the vendor's variables are the worker's, or --records compares an export", err)
	case errors.Is(err, comparison.ErrNoRun), errors.Is(err, comparison.ErrDone), errors.Is(err, comparison.ErrFileRun):
		return command.Usagef("--resume: %w; `reconcile runs` lists them", err)
	case errors.Is(err, comparison.ErrMayNotWrite):
		return fmt.Errorf("%w. With --records no vendor is asked, and the role of finance may run it; to ask a vendor, the login must take turns at its rate as a worker does (docs/finance-queries.md)", err)
	case errors.Is(err, comparison.ErrOtherMembers):
		return fmt.Errorf("%w: look at `member` in --map; the ids are those that `replay member` knows", err)
	case errors.Is(err, context.Canceled) && run != 0:
		return fmt.Errorf("stopped: %s", goOn)
	case run != 0 && !isFileError(err):
		return fmt.Errorf("%w; %s", err, goOn)
	}
	return err
}

func isFileError(err error) bool {
	var file *feed.FileError
	var cell *feed.CellError
	return errors.As(err, &file) || errors.As(err, &cell) || errors.Is(err, comparison.ErrEmptyFile)
}

// verdict is what the exit code says of a run.
func verdict(s *comparison.Summary) error {
	if s.Agrees {
		return nil
	}
	return command.ErrDisagree
}

// runPage is a run and what it found.
type runPage struct{ comparison.Summary }

func (p *runPage) print(out io.Writer) { printRun(out, &p.Summary) }

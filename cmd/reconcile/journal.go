package main

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/reconcile/feed"
	"pointsledger/reconcile/money"
	"pointsledger/reconcile/money/files"
	"pointsledger/reconcile/periods"
)

type journalOptions struct {
	asks                 money.Asked
	columns              *feed.Map
	format, from, to     string
	valuesFile, out      string
	redemptions, mapFile string
	run                  int64
	settlement           string
	language, encoding   string
	again, asJSON        bool
	example              bool
}

func newJournal(environ []string) *cobra.Command {
	var o journalOptions
	c := &cobra.Command{
		Use:   "journal",
		Short: "Vouchers in money: deferred revenue for points, for an accounting program",
		Long: `journal turns the points of some business dates into vouchers, one for each day and
shop: what of the sales' price is deferred for their points, what refunds took of it,
and what is revenue as points are redeemed (IFRS 15, CAS 14). What a point is worth and
how many are expected to be redeemed stands in a values file; docs/journal.md has its
keys, an example, and what each format was checked with.

Without --out the vouchers are printed, and nothing is kept. --out hands them out: the
estimates used, the vouchers and their numbers are kept. Made again, a file for u8 or
kis leaves out what was handed out in that format before; a day that is different since
has another number, and what is different is shown. An estimate that was used cannot be
changed; a new one has a date after the last day that was handed out.

Redemptions and expiries are the vendor's: --redemptions is its export for one account,
--map says which column is what (at, points, text; shop and member for --settlement).
Records that end with a reference of this ledger's are its own, and no redemptions.
Of the days asked for, the export is taken as whole: a day without a record is one
without redemptions. --run takes the records of a comparison instead, if that read all
members. What was told is kept with the journal. Where redemptions are not known, nothing
is recognised, and the vouchers say 仅计提 (accrual only).`,
		Example: `  reconcile journal --example > values.yaml
  reconcile journal --format hledger --from 2026-11-01 --to 2026-11-30 --values values.yaml
  reconcile journal --format u8 --from 2026-11-01 --to 2026-11-30 --values values.yaml --out november.txt
  reconcile journal --format u8 --from 2026-11-01 --to 2026-11-30 --account zhimai --redemptions export.xlsx --map map.yaml --out november.txt --settlement shops.csv
  reconcile journal --format kis --from 2026-12-01 --to 2026-12-31 --out december.xlsx --json`,
		Args: command.Args(cobra.NoArgs),
		RunE: func(c *cobra.Command, args []string) error {
			if o.example {
				_, err := io.WriteString(c.OutOrStdout(), money.Example)
				return err
			}
			return runs(environ, &o)(c, args)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.example, "example", false, "print a values file to start from, and do nothing else")
	f.StringVar(&o.format, "format", "", "hledger, csv, u8 (用友 U8 text import) or kis (金蝶 KIS import sheet)")
	f.StringVar(&o.from, "from", "", "the first business date, such as 2026-11-01")
	f.StringVar(&o.to, "to", "", "the last business date, such as 2026-11-30")
	f.StringVar(&o.valuesFile, "values", "", "the values file; without it the one that was used last")
	f.StringVar(&o.asks.Account, "account", "", "vendor account; all of them unless given, each with its own lines")
	f.StringVar(&o.out, "out", "", "a new file to hand the vouchers out in, instead of printing them")
	f.StringVar(&o.redemptions, "redemptions", "", "the vendor's export of the account's points records: CSV or XLSX; with --map and --account")
	f.Int64Var(&o.run, "run", 0, "a comparison (reconcile runs) whose records say what was redeemed, instead of --redemptions")
	f.StringVar(&o.mapFile, "map", "", "a YAML file that says which column of the export is what (docs/journal.md)")
	f.StringVar(&o.settlement, "settlement", "", "a new CSV file: points of one shop's members that were redeemed at another; with --redemptions")
	f.BoolVar(&o.again, "again", false, "of u8 and kis: write what was handed out before, too")
	f.StringVar(&o.language, "lang", "zh", "words in the vouchers and the settlement: zh or en")
	f.StringVar(&o.encoding, "encoding", "gb18030", "of u8: gb18030 or utf-8")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object on one line; with --out")
	return c
}

func (o *journalOptions) read(c *cobra.Command, _ []string) error {
	if err := command.NoneEmpty(c, "format", "from", "to", "values", "account", "out", "redemptions", "map", "settlement"); err != nil {
		return err
	}
	for _, d := range []struct {
		flag, text string
		day        *money.Day
	}{{"from", o.from, &o.asks.From}, {"to", o.to, &o.asks.To}} {
		if _, err := time.Parse(time.DateOnly, d.text); err != nil {
			return command.Usagef("--%s: want a business date such as 2026-11-20, got %q", d.flag, d.text)
		}
		*d.day = money.Day(d.text)
	}
	switch {
	case !slices.Contains([]files.Format{files.Hledger, files.CSV, files.U8, files.KIS}, files.Format(o.format)):
		return command.Usagef("--format: want hledger, csv, u8 or kis, got %q", o.format)
	case o.asks.From > o.asks.To:
		return command.Usagef("--from %s is after --to %s", o.from, o.to)
	case o.language != "zh" && o.language != "en":
		return command.Usagef("--lang: want zh or en, got %q", o.language)
	case o.encoding != "gb18030" && o.encoding != "utf-8":
		return command.Usagef("--encoding: want gb18030 (which programs take that ask for GBK) or utf-8, got %q", o.encoding)
	case c.Flag("encoding").Changed && o.format != string(files.U8):
		return command.Usagef("--encoding is of u8: leave it out")
	case o.again && !files.Format(o.format).Imported():
		return command.Usagef("--again is of u8 and kis: %s always has all vouchers", o.format)
	case o.out == "" && (o.asJSON || o.format == string(files.KIS)):
		return command.Usagef("--out: want a new file, as --json and a workbook cannot be printed with the vouchers")
	}
	if err := o.readRedemptions(c); err != nil {
		return err
	}
	o.asks.Format, o.asks.HandOut = o.format, o.out != ""
	if o.valuesFile == "" {
		return nil
	}
	var err error
	if o.asks.Values, err = money.ReadValues(o.valuesFile); err != nil {
		return command.Usagef("%w", err)
	}
	return nil
}

func (o *journalOptions) readRedemptions(c *cobra.Command) (err error) {
	o.asks.Settle = o.settlement != ""
	switch {
	case (o.redemptions == "") != (o.mapFile == ""):
		return command.Usagef("--redemptions and --map go together: the export, and what its columns are")
	case c.Flag("run").Changed && o.run < 1:
		return command.Usagef("--run: want the number of a comparison, as reconcile runs lists them, got %d", o.run)
	case o.redemptions != "" && o.run > 0:
		return command.Usagef("--redemptions and --run: both say what was redeemed; leave one of the two out")
	case o.settlement != "" && o.redemptions == "" && o.run == 0:
		return command.Usagef("--settlement: want --redemptions and --map, or --run, as only the vendor's records say what was redeemed")
	case o.mapFile == "":
		return nil
	}
	if o.columns, err = feed.ReadMap(o.mapFile); err != nil {
		return command.Usagef("--map: %w", err)
	}
	return nil
}

func (o *journalOptions) call(c *cobra.Command, s *session) (page, error) {
	journals := money.New(s.pool)
	if err := o.choose(c.Context(), journals); err != nil {
		return nil, err
	}
	p := &journalPage{out: o.out, settlement: o.settlement}
	records, err := o.records(c.Context(), journals)
	if err != nil {
		return nil, err
	}
	if records != nil {
		defer records.Close()
		o.asks.Redemptions = records.Redemptions()
		defer func() { p.Records = ptr(records.Counts()) }()
	}
	if o.out == "" {
		p.aside = c.ErrOrStderr()
		p.Journal, err = o.write(c.Context(), journals, c.OutOrStdout())
	} else {
		p.Journal, err = o.handOut(c.Context(), journals)
	}
	if err == nil {
		p.Closed, err = closedThrough(c.Context(), s, string(o.asks.To))
	}
	return p, filesRefused(err)
}

// closedThrough says whether the books are closed through a business date.
func closedThrough(ctx context.Context, s *session, date string) (bool, error) {
	list, err := periods.New(s.pool).List(ctx, false)
	return slices.ContainsFunc(list, func(p periods.Period) bool { return p.State == "closed" && p.Through >= date }), err
}

// choose takes the only vendor account for all of them, so that it is one journal however it is
// asked for, and the values that were used last when no others are named.
func (o *journalOptions) choose(ctx context.Context, journals *money.Journals) error {
	accounts, err := journals.Accounts(ctx)
	switch {
	case err != nil:
		return err
	case o.asks.Account != "" && !slices.Contains(accounts, o.asks.Account):
		return command.Usagef("--account: no points were granted at %s; there are %s", o.asks.Account, strings.Join(accounts, ", "))
	case o.asks.Account == "" && len(accounts) == 1:
		o.asks.Account = accounts[0]
	case o.asks.Account == "" && (o.redemptions != "" || o.run > 0):
		return command.Usagef("--account: want one, as records are of one vendor account; there are %s", strings.Join(accounts, ", "))
	}
	if o.asks.Values != nil {
		return nil
	}
	o.asks.Values, err = journals.Values(ctx, o.asks.Account)
	if errors.Is(err, money.ErrNoValues) {
		return command.Usagef("--values: %w; name a file, such as one that --example begins", err)
	}
	return err
}

// redeemed is what says what was redeemed.
type redeemed interface {
	Redemptions() money.Redemptions
	Counts() money.RecordCounts
	Close() error
}

// records opens the vendor's export, or the records of a comparison; nil when neither was asked for.
func (o *journalOptions) records(ctx context.Context, journals *money.Journals) (redeemed, error) {
	switch {
	case o.redemptions != "":
		records, err := money.OpenRecords(o.redemptions, o.columns, o.asks.Values, o.asks.Settle)
		if err != nil {
			return nil, command.Usagef("--redemptions: %w", err)
		}
		return records, nil
	case o.run == 0:
		return nil, nil
	}
	records, err := journals.OpenRun(ctx, o.run, o.asks.Values)
	var unfit *money.RunError
	switch {
	case errors.As(err, &unfit):
		return nil, command.Usagef("--run: %w", err)
	case err != nil:
		return nil, err
	case o.asks.Account != records.Account:
		return nil, command.Usagef("--run: comparison %d is of account %s", o.run, records.Account)
	case o.asks.From < records.From || o.asks.To > records.To:
		return nil, command.Usagef("--run: comparison %d is of %s to %s: ask for days of these", o.run, records.From, records.To)
	}
	return records, nil
}

func ptr[T any](value T) *T { return &value }

// filesRefused makes a mistake in the values or the export wrong usage.
func filesRefused(err error) error {
	var cell *feed.CellError
	var file *feed.FileError
	var overlap *money.OverlapError
	if errors.As(err, &overlap) {
		return command.Usagef("--account: %w; hand these days out as then, or points would be booked twice", err)
	}
	var unfit *money.RunError
	if errors.As(err, &unfit) {
		return command.Usagef("--run: %w", err)
	}
	if errors.As(err, &cell) || errors.As(err, &file) {
		return command.Usagef("--redemptions: %w", err)
	}
	var wrong *money.ValuesError
	if errors.As(err, &wrong) || errors.Is(err, money.ErrBeforeFirstEntry) || errors.Is(err, money.ErrOtherZone) {
		return command.Usagef("--values: %w", err)
	}
	return err
}

// handOut writes a new file and then has the journal kept: what is kept counts as handed
// out, so its file is whole before that. Without a voucher there is no file.
func (o *journalOptions) handOut(ctx context.Context, journals *money.Journals) (made *money.Journal, err error) {
	err = command.WriteNew("out", o.out, func(file io.Writer) (err error) {
		made, err = o.write(ctx, journals, file)
		return err
	})
	if err != nil {
		return made, err
	}
	if err := journals.Keep(ctx, made); err != nil {
		if made.Settlement != nil {
			_ = os.Remove(o.settlement)
		}
		return made, errors.Join(err, os.Remove(o.out))
	}
	if made.Written == 0 {
		return made, os.Remove(o.out)
	}
	return made, nil
}

// write makes the journal and writes its vouchers, and the settlement into a file of its own.
func (o *journalOptions) write(ctx context.Context, journals *money.Journals, out io.Writer) (*money.Journal, error) {
	format := files.Format(o.format)
	w, err := files.New(format, out, files.Options{Values: o.asks.Values, English: o.language == "en", UTF8: o.encoding == "utf-8"})
	if err != nil {
		return nil, err
	}
	made, err := journals.Make(ctx, o.asks, func(v *money.Voucher, s money.Standing) (bool, error) {
		if s == money.Unchanged && format.Imported() && !o.again && o.out != "" {
			return false, nil
		}
		return true, w.Voucher(v)
	})
	if err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil || made.Settlement == nil {
		return made, err
	}
	return made, command.WriteNew("settlement", o.settlement, func(file io.Writer) error { return files.WriteSettlement(file, made.Settlement, o.language == "en") })
}

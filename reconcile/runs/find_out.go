package runs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/evidence"
	"pointsledger/reconcile/match"
)

// sqlShows counts, by account, a run's records of the window with a reference, and those that have
// no time of their day; and tells when the first and the last few with a reference were made: one
// alone may have been copied (reconcile_records_member_idx).
const sqlShows = `
WITH seen AS MATERIALIZED (
    SELECT account, at, reference, date_only FROM reconcile_records WHERE run_id = $1 AND at >= $2 AND at < $3
)
SELECT a.account, a.named, a.date_only,
       (SELECT max(at) FROM (SELECT at FROM seen WHERE account = a.account AND reference IS NOT NULL ORDER BY at LIMIT CASE WHEN a.named >= 50 THEN 5 ELSE 1 END) AS f),
       (SELECT min(at) FROM (SELECT at FROM seen WHERE account = a.account AND reference IS NOT NULL ORDER BY at DESC LIMIT CASE WHEN a.named >= 50 THEN 5 ELSE 1 END) AS l)
  FROM (SELECT account, count(reference) AS named, count(*) FILTER (WHERE date_only) AS date_only FROM seen GROUP BY account) AS a`

// sqlExtents reads the lists that go back farthest, and the longest: what one of them held
// another of its length would (reconcile_members_pkey).
const sqlExtents = `
(SELECT account, records, oldest_at, read_at FROM reconcile_members WHERE run_id = $1 AND complete AND oldest_at IS NOT NULL ORDER BY oldest_at LIMIT 200)
UNION
(SELECT account, records, oldest_at, read_at FROM reconcile_members WHERE run_id = $1 AND complete AND oldest_at IS NOT NULL ORDER BY records DESC LIMIT 200)`

// sqlHolds reads what a file holds (reconcile_runs_pkey).
const sqlHolds = `SELECT holds_from, holds_until FROM reconcile_runs WHERE id = $1`

// sqlBeside counts the postings of the window before a time and from another on. It reads
// postings as a whole.
const sqlBeside = `
SELECT count(*) FILTER (WHERE p.posted_at < @holds_from), count(*) FILTER (WHERE p.posted_at >= @holds_until)
  FROM postings p
  JOIN operations o ON o.id = p.operation_id
 WHERE o.target = ANY (@accounts::text[]) AND o.kind IN ('points_add', 'points_deduct') AND p.kind = 'posted' AND p.evidence <> 'netted'
   AND p.posted_at >= @from AND p.posted_at < @until`

// findOut finds out what each account's records show.
func (c *comparing) findOut(ctx context.Context, tx pgx.Tx) error {
	type shown struct {
		named       float64
		dateOnly    bool
		first, last time.Time
	}
	shows := map[string]shown{}
	var account string
	var withReference, days int64
	var first, last *time.Time
	rows, err := tx.Query(ctx, sqlShows, c.id, c.from, c.until)
	if err != nil {
		return fmt.Errorf("look at the records: %w", err)
	}
	if _, err = pgx.ForEachRow(rows, []any{&account, &withReference, &days, &first, &last}, func() error {
		shows[account] = shown{float64(withReference), days > 0, timeOrZero(first), timeOrZero(last)}
		return nil
	}); err != nil {
		return fmt.Errorf("look at the records: %w", err)
	}
	if err := c.extents(ctx, tx); err != nil {
		return err
	}
	if err := c.whole(ctx, tx); err != nil {
		return err
	}
	if err := c.holds(ctx, tx); err != nil {
		return err
	}
	for _, a := range c.accounts {
		k := c.running.known[a.Name]
		known := &match.Known{From: c.from, Until: c.until, Lag: k.MaxLag, Slack: k.Slack(), SoleSource: c.soleSource,
			References: c.references(a.Name, k.References == evidence.ReferencesShown, shows[a.Name].named)}
		offset, told, err := c.zone(ctx, tx, a.Name)
		switch {
		case err != nil:
			return err
		case told:
			k.Zone = evidence.Zone{Known: true}
			known.Slack = k.Slack()
			c.offsets[a.Name] = offset
		}
		if shows[a.Name].dateOnly {
			known.Slack += halfDay
		}
		if of := shows[a.Name]; !of.first.IsZero() {
			known.ShownFrom = of.first.Add(c.offsets[a.Name] - known.Slack - known.Lag)
			known.ShownUntil = of.last.Add(c.offsets[a.Name] + known.Slack + known.Lag)
		}
		c.known[a.Name] = known
		c.shows = c.shows || known.References
	}
	return nil
}

// references says whether an account's records show references: as these records do. What
// samples told is of the vendor's call, and of some time ago; it counts where these are too
// few to tell.
func (c *comparing) references(account string, sampled bool, named float64) bool {
	return named > 0 && named >= showsShare*float64(c.of[account]) || sampled && c.source == fromVendor && c.of[account] < tellsFrom
}

// tellsFrom is how many postings tell whether references are shown.
const tellsFrom = 20

// showsShare is the share of the window's postings above which records that end with a
// reference mean that the account shows them. A few are no habit of the vendor's: somebody may have
// copied one.
const showsShare = 0.1

// extents adds the lists of this run to what is known of how far lists go back.
func (c *comparing) extents(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, sqlExtents, c.id)
	if err != nil {
		return fmt.Errorf("look how far the lists go back: %w", err)
	}
	var account string
	var e evidence.Extent
	_, err = pgx.ForEachRow(rows, []any{&account, &e.Records, &e.Oldest, &e.ReadAt}, func() error {
		k := c.running.known[account]
		k.Extents = append(k.Extents, e)
		c.running.known[account] = k
		return nil
	})
	if err != nil {
		return fmt.Errorf("look how far the lists go back: %w", err)
	}
	return nil
}

// besideMost is how many postings may lie in days of the window's edges of which a file has no
// record: more mean that it was not exported whole.
const besideMost = 10

// holds finds from when to when a file holds what there is: the window, unless it has no
// records of its first or last days although much was posted there.
func (c *comparing) holds(ctx context.Context, tx pgx.Tx) error {
	if c.source != fromFile {
		return nil
	}
	var from, until *time.Time
	if err := tx.QueryRow(ctx, sqlHolds, c.id).Scan(&from, &until); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read what the file holds: %w", err)
	}
	if from == nil { // no record at all
		from, until = &c.until, &c.from
	}
	var before, after int64
	args := pgx.StrictNamedArgs{"accounts": c.names, "from": c.from, "until": c.until, "holds_from": *from, "holds_until": *until}
	if err := tx.QueryRow(ctx, sqlBeside, args).Scan(&before, &after); err != nil {
		return fmt.Errorf("count postings beside what the file holds: %w", err)
	}
	c.holdsFrom, c.holdsUntil = *from, *until
	if before < besideMost && c.holdsFrom.After(c.from) {
		c.holdsFrom = c.from
	}
	if after < besideMost && c.holdsUntil.Before(c.until) {
		c.holdsUntil = c.until
	}
	return nil
}

// sqlWhole counts, by account, the complete lists whose member's balance is known, and those
// that account for it (reconcile_members_pkey).
const sqlWhole = `
SELECT account, count(*), count(*) FILTER (WHERE whole)
  FROM reconcile_members
 WHERE run_id = $1 AND state = 'read' AND complete AND balance IS NOT NULL
 GROUP BY account`

// wholeShare is the share of lists that account for their balance above which a vendor is
// taken to keep its records: what it had cut would be missing from balances.
const wholeShare = 0.9

func (c *comparing) whole(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, sqlWhole, c.id)
	if err != nil {
		return fmt.Errorf("look whether lists are whole: %w", err)
	}
	var account string
	var all, whole float64
	if _, err = pgx.ForEachRow(rows, []any{&account, &all, &whole}, func() error {
		c.uncut[account] = whole >= wholeShare*all
		return nil
	}); err != nil {
		return fmt.Errorf("look whether lists are whole: %w", err)
	}
	return nil
}

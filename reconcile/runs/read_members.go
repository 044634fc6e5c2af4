package runs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"pointsledger/desk/privacy"
	"pointsledger/evidence"
	"pointsledger/vendorapi"
)

const (
	// readersMost is how many members of an account are read at once.
	readersMost = 6
	// memberTime bounds the reading of one member, its turns included.
	memberTime = 10 * time.Minute
	// readTries is how often a member is read whose vendor gives no clear answer, and
	// failuresMost how many members in a row may fail so.
	readTries    = 3
	failuresMost = 4
	// passesMost is how often the members that could not be read are gone through.
	passesMost = 8
	// balanceTries is how often a member is read again whose balance is not what the records
	// tell.
	balanceTries = 2
	// callsPerMember is what a reading costs at least: a page, and the first again.
	callsPerMember = 2
	// chunkMembers are taken from the database at once.
	chunkMembers = 500
)

// sqlUnread reads the next members that are to be read (reconcile_members_pkey).
const sqlUnread = `
SELECT member_id
  FROM reconcile_members
 WHERE run_id = $1 AND account = $2 AND member_id > $3 AND state <> 'read'
 ORDER BY member_id
 LIMIT $4`

// sqlCountUnread counts them, and all.
const sqlCountUnread = `SELECT count(*) FILTER (WHERE state <> 'read'), count(*) FROM reconcile_members WHERE run_id = $1`

// sqlAllRead notes that all members were asked for.
const sqlAllRead = `UPDATE reconcile_runs SET state = 'comparing' WHERE id = $1 AND state = 'reading'`

// readMembers reads the members of all accounts that are not read yet.
func (run *running) readMembers(ctx context.Context) error {
	r := &reading{running: run}
	var now time.Time
	if err := run.pool.QueryRow(ctx, `SELECT now()`).Scan(&now); err != nil {
		return fmt.Errorf("read the time: %w", err)
	}
	r.ahead = time.Until(now)
	// Those that could not be read are asked for again, while that reads some.
	for pass, before := 0, int64(-1); pass < passesMost; pass++ {
		if err := run.pool.QueryRow(ctx, sqlCountUnread, run.id).Scan(&r.left, &r.all); err != nil {
			return fmt.Errorf("count members: %w", err)
		}
		if r.left == 0 || r.left == before {
			break
		}
		before, r.unread, r.started = r.left, r.left, time.Now()
		for i := range run.accounts {
			if run.accounts[i].Reader == nil {
				continue
			}
			if err := r.account(ctx, &run.accounts[i]); err != nil {
				return err
			}
		}
	}
	return pgx.BeginTxFunc(ctx, run.pool, readWrite, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sqlAllRead, run.id); err != nil {
			return fmt.Errorf("end reading: %w", err)
		}
		return nil
	})
}

// reading is the reading of a run's members.
type reading struct {
	*running
	started time.Time
	// ahead is how far the database's clock is ahead of this machine's.
	ahead time.Duration
	all   int64
	// unread were to be read when it began.
	unread int64

	mu       sync.Mutex
	left     int64
	failures int // in a row
	err      error
}

// account reads the members of one account, some at once.
func (r *reading) account(ctx context.Context, a *Account) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	members := make(chan string)
	var group sync.WaitGroup
	r.tell(Progress{Phase: Reading, Done: r.all - r.left, Total: r.all, Left: r.atRate(a, r.left)})
	for range a.readers() {
		group.Go(func() {
			for member := range members {
				if err := r.read(ctx, a, member); err != nil {
					r.mu.Lock()
					if r.err == nil {
						r.err = err
					}
					r.mu.Unlock()
					cancel()
				}
			}
		})
	}
	err := r.feed(ctx, a.Name, members)
	close(members)
	group.Wait()
	if r.err != nil {
		return r.err
	}
	return err
}

// feed names the members to be read.
func (r *reading) feed(ctx context.Context, account string, members chan<- string) error {
	for after := ""; ; {
		rows, err := r.pool.Query(ctx, sqlUnread, r.id, account, after, chunkMembers)
		if err != nil {
			return fmt.Errorf("read members: %w", err)
		}
		chunk, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("read members: %w", err)
		}
		if len(chunk) == 0 {
			return nil
		}
		for _, member := range chunk {
			select {
			case members <- member:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		after = chunk[len(chunk)-1]
	}
}

// read reads one member and keeps what was read. The error is for the whole run.
func (r *reading) read(ctx context.Context, a *Account, member string) error {
	p := &pace{gates: r.gates, account: a}
	bounded, cancel := context.WithTimeout(ctx, memberTime)
	defer cancel()
	got, words, err := r.ask(bounded, a, p, member)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	case got == nil:
		err = r.keepFailure(ctx, a.Name, member, words)
	default:
		err = r.keep(ctx, a.Name, member, got)
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left--
	done := r.unread - r.left
	left := r.atRate(a, r.left)
	if done >= 2*readersMost || left == 0 {
		left = (time.Since(r.started) / time.Duration(done) * time.Duration(r.left)).Round(time.Second)
	}
	r.tell(Progress{Phase: Reading, Done: r.all - r.left, Total: r.all, Left: left})
	return nil
}

// atRate is how long members take at the account's rate; 0 where it has none.
func (r *reading) atRate(a *Account, members int64) time.Duration {
	if a.RecordsPerSecond <= 0 {
		return 0
	}
	return time.Duration(callsPerMember * float64(members) / a.RecordsPerSecond * float64(time.Second)).Round(time.Second)
}

// readers is how many of its members are read at once: enough for its rate where a call takes
// half a second, and never so many that workers wait long for their turn. Where all calls
// have one rate, workers grant by it, too: then it is one.
func (a *Account) readers() int {
	switch {
	case a.OneRate:
		return 1
	case a.RecordsPerSecond <= 0:
		return readersMost
	}
	return min(max(int(a.RecordsPerSecond/2), 1), readersMost)
}

// ask asks the vendor for a member's records and balance. The reading is nil when it
// cannot be had, with why.
func (r *reading) ask(ctx context.Context, a *Account, p *pace, member string) (*evidence.Reading, string, error) {
	var reply vendorapi.Reply
	for try := 1; try <= readTries; try++ {
		if err := p.open(ctx, r.running); err != nil {
			return nil, "", err
		}
		var got evidence.Reading
		if got, reply = r.once(ctx, a, p, member); reply.Outcome == vendorapi.Applied {
			for range balanceTries { // points may have moved between the two: only what stays counts
				if told, tells := got.ToldBalance(); !tells || got.Balance == nil || *got.Balance == told {
					break
				}
				if again, reply := r.once(ctx, a, p, member); reply.Outcome == vendorapi.Applied {
					got = again
				}
			}
			r.note(true)
			return &got, "", nil
		}
		var database *pgconn.PgError
		switch {
		case ctx.Err() != nil:
			return nil, "", nil
		case errors.As(reply.Err, &database): // of the turn that it waited for
			return nil, "", reply.Err
		case reply.Outcome == vendorapi.Unauthorised:
			return nil, "", &AwayError{Run: r.id, Account: a.Name, Words: "it refuses our credentials: " + said(reply)}
		case reply.Outcome == vendorapi.Refused, errors.Is(reply.Err, vendorapi.ErrRecordsMove):
			r.note(true) // it answers: it is about this member
			return nil, said(reply), nil
		}
		if err := sleep(ctx, max(reply.RetryAfter, time.Duration(try)*time.Second)); err != nil {
			return nil, "", nil
		}
	}
	if r.note(false) {
		return nil, "", &AwayError{Run: r.id, Account: a.Name, Words: "it does not answer: " + said(reply)}
	}
	return nil, said(reply), nil
}

// once makes one reading, with the balance after the records.
func (r *reading) once(ctx context.Context, a *Account, p *pace, member string) (evidence.Reading, vendorapi.Reply) {
	began := time.Now().Add(r.ahead)
	got, reply := a.Reader.ReadRecords(p.turns(ctx, callRecords, a.RecordsPerSecond), member)
	got.BeganAt = began
	if reply.Outcome != vendorapi.Applied || r.noBalances || got.Balance != nil {
		return got, reply
	}
	if teller, tells := a.Reader.(vendorapi.BalanceReader); tells {
		got.Balance, _ = teller.ReadBalance(p.turns(ctx, callMember, a.MembersPerSecond), member)
	}
	return got, reply
}

// note counts members in a row that gave no answer; it says when there are too many.
func (r *reading) note(answered bool) (away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if answered {
		r.failures = 0
		return false
	}
	r.failures++
	return r.failures >= failuresMost
}

// said is what a vendor answered, without private data.
func said(reply vendorapi.Reply) string {
	words := reply.Outcome.String()
	if reply.Code != "" || reply.Message != "" {
		return privacy.VendorWords(fmt.Sprintf("%s (%s %s)", words, reply.Code, reply.Message))
	}
	if reply.Err != nil {
		return privacy.VendorWords(words + " (" + reply.Err.Error() + ")")
	}
	return words
}

const (
	// sqlForget takes away what another reading kept of a member, of whoever goes on with the
	// same run at once (reconcile_records_member_idx).
	sqlForget = `DELETE FROM reconcile_records WHERE run_id = $1 AND account = $2 AND member_id = $3`
	// sqlMemberRead and sqlMemberFailed change one row (reconcile_members_pkey).
	sqlMemberRead = `
UPDATE reconcile_members
   SET state = 'read', words = NULL, read_at = @read_at, records = @records, complete = @complete, oldest_at = @oldest_at, balance = @balance,
       told_points = @told_points, whole = @whole
 WHERE run_id = @run AND account = @account AND member_id = @member`
	sqlMemberFailed = `UPDATE reconcile_members SET state = 'failed', words = $4 WHERE run_id = $1 AND account = $2 AND member_id = $3`
)

func (r *reading) keepFailure(ctx context.Context, account, member, words string) error {
	return pgx.BeginTxFunc(ctx, r.pool, readWrite, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sqlMemberFailed, r.id, account, member, storable(words)); err != nil {
			return fmt.Errorf("note that a member was not read: %w", err)
		}
		return nil
	})
}

// keep keeps what was read of a member: of its records those of the window and near it.
func (r *reading) keep(ctx context.Context, account, member string, got *evidence.Reading) error {
	zone := r.known[account].Zone
	held := got.Held(zone)
	args := pgx.StrictNamedArgs{"run": r.id, "account": account, "member": member, "read_at": got.BeganAt, "records": held.Records, "complete": held.Complete,
		"oldest_at": nil, "balance": got.Balance, "told_points": nil, "whole": held.Whole}
	if !held.Oldest.IsZero() {
		args["oldest_at"] = held.Oldest
	}
	if told, tells := got.ToldBalance(); tells {
		args["told_points"] = told
	}
	var rows [][]any
	for i := range got.Records {
		record := &got.Records[i]
		points, at := record.Moved(), (*time.Time)(nil)
		if !record.At.IsZero() {
			moved := record.At.Add(zone.Offset)
			if moved.Before(r.reachBack.Add(-r.pad)) || !moved.Before(r.until.Add(2*r.pad)) {
				continue
			}
			at = &moved
		}
		rows = append(rows, []any{r.id, account, member, points, storable(record.Text), reference(record.Text), at, false})
	}
	return pgx.BeginTxFunc(ctx, r.pool, readWrite, func(tx pgx.Tx) error {
		// The member's row first: who goes on with the same run beside us waits for it, and
		// then takes our records away, not leaving each of them twice.
		if _, err := tx.Exec(ctx, sqlMemberRead, args); err != nil {
			return fmt.Errorf("keep a member's reading: %w", err)
		}
		if _, err := tx.Exec(ctx, sqlForget, r.id, account, member); err != nil {
			return fmt.Errorf("keep a member's records: %w", err)
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"reconcile_records"}, recordColumns, pgx.CopyFromRows(rows)); err != nil {
			return fmt.Errorf("keep a member's records: %w", err)
		}
		return nil
	})
}

package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Declaration is what a shop says that it sold on a day: it leads to no operation, and
// is what the books of that day are held against. All are kept; of one day the newest
// counts, by the broker's time.
type Declaration struct {
	// Source is the one that the orders of the day have, as the event wrote it.
	Source string
	// SourceKey is the one form of all its spellings, and Spellings those that events
	// may be recorded under.
	SourceKey string
	Spellings []string
	// ShopCode bounds it to a shop of the source; empty is all of it.
	ShopCode string
	// Day is the programme's calendar day, YYYY-MM-DD.
	Day       string
	Orders    int64
	AmountFen int64
}

// Text names it for a person.
func (d *Declaration) Text() string {
	return strings.TrimSuffix(d.Day+" of "+d.Source+" "+d.ShopCode, " ")
}

// declares tells whether an entry is a day that is declared.
func declares(e Entry) bool { return e.Event != nil && e.Event.Declares != nil }

// standsApart tells whether an entry is recorded otherwise than by its operations.
func standsApart(e Entry) bool { return refers(e) || declares(e) }

// sqlLookUpDeclared finds declarations that are known (declarations_one_per_event).
const sqlLookUpDeclared = `
SELECT fact_key, data, event_source, event_id, stream_seq, broker_time FROM declarations WHERE fact_key = ANY ($1::uuid[])`

// sqlDeclare writes one declaration. One that was written meanwhile raises
// declarations_one_per_event and undoes the transaction: Record then looks again.
const sqlDeclare = `
INSERT INTO declarations (fact_key, source, source_key, spellings, shop_code, day, orders, amount_fen, event_source, event_id, event_time,
                          event_subject, stream_seq, broker_time, data)
VALUES (@fact_key, @source, @source_key, @spellings, NULLIF(@shop_code, ''), @day::date, @orders, @amount_fen, @event_source, @event_id, @event_time,
        @event_subject, @stream_seq, @broker_time, @data)`

// addDeclared makes known which of the entries' declarations are recorded.
func (k knownFacts) addDeclared(ctx context.Context, in batcher, entries []Entry) error {
	var facts [][16]byte
	for i := range entries {
		if declares(entries[i]) {
			facts = append(facts, entries[i].Event.FactKey)
		}
	}
	return k.addFound(ctx, in, sqlLookUpDeclared, facts)
}

// declareOnce records a batch of declarations in one transaction.
func (s *Store) declareOnce(ctx context.Context, entries []Entry, how *queueing) (verdicts []Verdict, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if how.rebuilt != nil && how.rebuilt.While != nil {
			if err := how.rebuilt.While.StandsTx(ctx, tx); err != nil {
				return err
			}
		}
		known := knownFacts{}
		if err := known.addDeclared(ctx, tx, entries); err != nil {
			return err
		}
		verdicts = make([]Verdict, len(entries))
		var accepted []*Entry
		var rejects []newReject
		for i := range entries {
			e := &entries[i]
			switch verdicts[i] = decide(e, known); verdicts[i].Kind {
			case Accepted:
				known.add(e)
				accepted = append(accepted, e)
			case Rejected:
				rejects = append(rejects, newReject{e, verdicts[i].Rejection})
			}
		}
		if err := declareTx(ctx, tx, accepted); err != nil {
			return err
		}
		if len(rejects) == 0 {
			return nil
		}
		_, err := tx.Exec(ctx, sqlInsertRejects, rejectArgs(rejects)...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("record declarations: %w", err)
	}
	return verdicts, nil
}

// declareTx writes declarations in the order of their facts, so that two transactions
// cannot wait for each other. A shop declares once a day: they are few.
func declareTx(ctx context.Context, tx pgx.Tx, entries []*Entry) error {
	slices.SortStableFunc(entries, func(a, b *Entry) int {
		return cmp.Compare(string(a.Event.FactKey[:]), string(b.Event.FactKey[:]))
	})
	var batch pgx.Batch
	for _, e := range entries {
		d, m := e.Event.Declares, &e.Message
		spellings := make([]string, len(d.Spellings))
		for i, spelling := range d.Spellings {
			spellings[i] = Storable(spelling)
		}
		batch.Queue(sqlDeclare, pgx.StrictNamedArgs{"fact_key": e.Event.FactKey, "source": d.Source, "source_key": Storable(d.SourceKey),
			"spellings": spellings, "shop_code": d.ShopCode, "day": d.Day, "orders": d.Orders, "amount_fen": d.AmountFen,
			"event_source": e.Event.Source, "event_id": e.Event.ID, "event_time": e.Event.Time, "event_subject": Storable(m.Subject),
			"stream_seq": int64(m.Seq), "broker_time": m.BrokerTime, "data": e.Event.Content})
	}
	if batch.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, &batch).Close()
}

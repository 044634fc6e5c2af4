package orders

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
	"pointsledger/rules/spelling"
)

// orderPaid is the type of the events that a list is compared with.
const orderPaid = "order.paid"

// mostSources bounds how many sources are compared at once: every order is looked for at each.
const mostSources = 20

// source is one in all the spellings that the ledger has.
type source struct {
	key       string
	spellings []string
	// older: rows from before facts were kept.
	older bool
}

// sqlSources finds whose orders the ledger has accepted or rejected. It goes through all
// operations once.
const sqlSources = `
SELECT event_source, bool_or(older)
  FROM (SELECT event_source, fact_key IS NULL AS older FROM operations WHERE event_type = $1
        UNION ALL
        SELECT event_source, false FROM rejects WHERE event_type = $1 AND event_source IS NOT NULL) AS all_of_them
 GROUP BY event_source
 ORDER BY event_source`

// findSources finds the sources that the list may be of.
func (c *comparison) findSources(ctx context.Context) error {
	rows, err := c.tx.Query(ctx, sqlSources, orderPaid)
	if err != nil {
		return fmt.Errorf("find sources: %w", err)
	}
	asked := spelling.SourceKey(c.asked.Source)
	var all []string
	var name string
	var older bool
	if _, err := pgx.ForEachRow(rows, []any{&name, &older}, func() error {
		key := spelling.SourceKey(name)
		if !slices.Contains(all, key) {
			all = append(all, key)
		}
		if asked != "" && key != asked {
			return nil
		}
		i := slices.IndexFunc(c.sources, func(s source) bool { return s.key == key })
		if i < 0 {
			i = len(c.sources)
			c.sources = append(c.sources, source{key: key})
		}
		c.sources[i].spellings = append(c.sources[i].spellings, name)
		c.sources[i].older = c.sources[i].older || older
		return nil
	}); err != nil {
		return fmt.Errorf("find sources: %w", err)
	}
	switch {
	case asked != "" && len(c.sources) == 0:
		return &UnknownSourceError{c.asked.Source, all}
	case len(c.sources) > mostSources:
		return &ManySourcesError{all}
	}
	return nil
}

// found is an order as the ledger has it.
type found struct {
	key, source  string
	id           int64
	amountFen    *int64
	businessDate string
	// refunded: something of it came back; refundedFen is how much, at most what was paid.
	refunded    bool
	refundedFen int64
}

// sqlLookUp finds orders by their facts (operations_one_per_fact), by the first operation
// of each, and what refunds took from it (reversals_origin_idx).
const sqlLookUp = `
SELECT k.n, o.event_source, o.id, o.amount_fen, o.business_date::text, r.refunded, r.refunded_fen
  FROM unnest($1::uuid[]) WITH ORDINALITY AS k (fact_key, n)
 CROSS JOIN LATERAL (SELECT * FROM operations WHERE fact_key = k.fact_key AND fact_leg = 0 OFFSET 0) AS o
 CROSS JOIN LATERAL (` + refundsOf + `) AS r
 ORDER BY k.n`

// sqlLookUpOlder finds orders from before facts were kept (operations_business_key_idx).
const sqlLookUpOlder = `
SELECT DISTINCT ON (k.n) k.n, o.event_source, o.id, o.amount_fen, o.business_date::text, r.refunded, r.refunded_fen
  FROM unnest($1::text[]) WITH ORDINALITY AS k (business_key, n)
 CROSS JOIN LATERAL (
       SELECT * FROM operations
        WHERE business_key = k.business_key AND event_type = $2 AND event_source = ANY ($3::text[]) AND fact_key IS NULL OFFSET 0) AS o
 CROSS JOIN LATERAL (` + refundsOf + `) AS r
 ORDER BY k.n, o.id`

// refundsOf sums up what came back of operation o: a cancellation takes all. What was
// frozen and is spent is no refund.
const refundsOf = `SELECT count(*) > 0 AS refunded,
       CASE WHEN bool_or(v.amount_fen IS NULL) THEN COALESCE(o.amount_fen, 0) ELSE LEAST(COALESCE(sum(v.amount_fen), 0), COALESCE(o.amount_fen, 0))::bigint END AS refunded_fen
  FROM reversals v
  JOIN operations b ON b.id = v.operation_id AND b.kind <> 'consume_frozen'
 WHERE v.origin_id = o.id`

// lookUp finds the orders of a batch at every source.
func (c *comparison) lookUp(ctx context.Context, batch []asks) error {
	var facts [][16]byte
	var numbers []string
	for i := range batch {
		numbers = append(numbers, batch[i].row.Order)
		for _, s := range c.sources {
			facts = append(facts, ledger.NewFactKey(s.key, orderPaid, spelling.Key(batch[i].row.Order)))
		}
	}
	if len(facts) == 0 {
		return nil
	}
	n := len(c.sources)
	if err := c.find(ctx, sqlLookUp, []any{facts}, func(at int, f found) {
		f.key = c.sources[at%n].key
		batch[at/n].found = append(batch[at/n].found, f)
	}); err != nil {
		return err
	}
	for _, s := range c.sources {
		if !s.older {
			continue
		}
		if err := c.find(ctx, sqlLookUpOlder, []any{numbers, orderPaid, s.spellings}, func(at int, f found) {
			f.key = s.key
			if !slices.ContainsFunc(batch[at].found, func(other found) bool { return other.key == s.key }) {
				batch[at].found = append(batch[at].found, f)
			}
		}); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) find(ctx context.Context, sql string, args []any, add func(at int, f found)) error {
	rows, err := c.tx.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("look up orders: %w", err)
	}
	var n int
	var f found
	if _, err := pgx.ForEachRow(rows, []any{&n, &f.source, &f.id, &f.amountFen, &f.businessDate, &f.refunded, &f.refundedFen}, func() error {
		add(n-1, f)
		f.amountFen = nil
		return nil
	}); err != nil {
		return fmt.Errorf("look up orders: %w", err)
	}
	return nil
}

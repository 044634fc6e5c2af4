package seal

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// compareRows looks up the rows that a batch lists.
func (v *verification) compareRows(ctx context.Context, tx pgx.Tx, c *Check, b *batch) error {
	for i := range b.lists {
		l := &b.lists[i]
		at := slices.IndexFunc(tables[:], func(t table) bool { return t.name == l.table })
		if at < 0 {
			continue // held by seal_lists_table_known
		}
		there := make(map[int64]digest, len(l.digests)/digestBytes)
		if err := tables[at].rowsIn(ctx, tx, l.ids, time.Time{}, math.MaxInt64, func(r row) { there[r.id] = r.digest }); err != nil {
			return err
		}
		n := 0
		l.ids.each(func(id int64) {
			listed := digest(l.digests[n*digestBytes : (n+1)*digestBytes])
			n++
			c.Checked++
			now, ok := there[id]
			f := Finding{Table: l.table, ID: id, Batch: b.number}
			switch {
			case !ok:
				f.Kind, f.What = Removed, fmt.Sprintf("%s %d was removed after batch %d of %s had sealed it", l.table, id, b.number, b.sealedAt.UTC().Format(time.RFC3339))
			case now != listed:
				f.Kind, f.What = Edited, fmt.Sprintf("%s %d was edited after batch %d of %s had sealed it", l.table, id, b.number, b.sealedAt.UTC().Format(time.RFC3339))
			default:
				return
			}
			v.found(c, f)
		})
		v.progress(CheckRows, c.Checked)
	}
	return nil
}

// gapsMost bounds the gaps that are asked about at once.
const gapsMost = 10_000

// unlisted looks at the rows that no batch lists: those that are young are sealed next,
// and the others were inserted later.
func (v *verification) unlisted(ctx context.Context, tx pgx.Tx, c *Check, ch *chain) error {
	for i := range tables {
		t, listed := &tables[i], ch.listed[tables[i].name]
		for gaps := range slices.Chunk(listed.all().gaps(everything), gapsMost) {
			err := t.rowsIn(ctx, tx, gaps, time.Time{}, math.MaxInt64, func(r row) {
				c.Checked++
				// Without a complete batch there is nothing that a row is late for.
				if ch.lastComplete.IsZero() || !r.at.Before(ch.lastComplete.Add(-Window)) {
					v.Unsealed++
					return
				}
				v.found(c, Finding{Kind: Inserted, Table: t.name, ID: r.id, covers: r.digest[:], What: fmt.Sprintf(
					"%s %d says that it was recorded at %s, and no batch of the seal knows it: it was inserted later, or its time was edited",
					t.name, r.id, r.at.UTC().Format(time.RFC3339))})
			})
			if err != nil {
				return err
			}
		}
		for _, id := range listed.twice {
			v.found(c, Finding{Kind: ChainBroken, Table: t.name, ID: id, What: fmt.Sprintf("%s %d is in two batches", t.name, id)})
		}
	}
	return nil
}

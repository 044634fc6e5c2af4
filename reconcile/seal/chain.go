package seal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// cover is a row of seal_covers with its act.
type cover struct {
	act           int64
	actor, reason string
	at            time.Time
}

type coverKey struct {
	table  string
	id     int64
	digest string
}

// coverOf finds who covered a finding; nil: nobody.
func (v *verification) coverOf(table string, id int64, digest []byte) *cover {
	if c, ok := v.covers[coverKey{table, id, string(digest)}]; ok {
		return &c
	}
	return nil
}

// sqlCovers reads what people have covered. There are few.
const sqlCovers = `
SELECT c.table_name, c.row_id, c.digest, a.id, a.actor, a.reason, a.at FROM seal_covers c JOIN ops_actions a ON a.id = c.action_id`

func readCovers(ctx context.Context, tx pgx.Tx) (map[coverKey]cover, error) {
	rows, err := tx.Query(ctx, sqlCovers)
	if err != nil {
		return nil, fmt.Errorf("read what is covered: %w", err)
	}
	covers := map[coverKey]cover{}
	var k coverKey
	var digest []byte
	var c cover
	_, err = pgx.ForEachRow(rows, []any{&k.table, &k.id, &digest, &c.act, &c.actor, &c.reason, &c.at}, func() error {
		k.digest = string(digest)
		covers[k] = c
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what is covered: %w", err)
	}
	return covers, nil
}

// coverable are kinds of findings that are no edit of what was sealed: somebody who has
// looked into one may say that it stands.
var coverable = []string{Inserted, LostCommits, Recomputed, RulesMissing, TimesContradict, NotTold, MissingInLedger, OtherContent, NotInStream}

// found names a finding, unless a person has covered it: by what it says.
func (v *verification) found(c *Check, f Finding) {
	if !slices.Contains(coverable, f.Kind) {
		v.Result.found(c, f)
		return
	}
	if f.covers == nil {
		sum := sha256.Sum256([]byte(f.Kind + "\n" + f.What))
		f.covers = sum[:digestBytes]
	}
	v.report(c, f, v.coverOf(f.coverTable(), f.coverID(), f.covers))
}

// coverTable and coverID are the row of seal_covers for a finding.
func (f *Finding) coverTable() string {
	switch {
	case f.Kind == LostCommits:
		return lostHead
	case f.Table == "":
		return f.Check
	}
	return f.Table
}

func (f *Finding) coverID() int64 {
	if f.Kind == LostCommits {
		return f.lost
	}
	return f.ID
}

// report is found for what nobody has covered, and else a line among what is covered.
func (v *verification) report(c *Check, f Finding, by *cover) {
	if by == nil {
		v.Result.found(c, f)
		return
	}
	f.Check = c.Name
	f.mask()
	v.Covered = append(v.Covered, Covered{Finding: f, Actor: by.actor, Reason: by.reason, At: by.at.UTC(), Act: by.act})
}

// chain is what is known of the chain while it is read.
type chain struct {
	check        *Check
	last         *batch
	lastComplete time.Time
	listed       map[string]*union
	// atHead is the hash of the batch that has the number of the head outside.
	atHead []byte
	// noted: a batch says that the head outside was not in the database.
	noted bool
}

// link looks at one batch of the chain. sound tells that its lists can be compared with
// the rows.
func (v *verification) link(ch *chain, b *batch) (sound bool) {
	ch.check.Checked++
	broken := func(what string, args ...any) {
		v.found(ch.check, Finding{Kind: ChainBroken, Batch: b.number, What: fmt.Sprintf(what, args...)})
	}
	sound = true
	switch {
	case b.form != form:
		broken("batch %d is of form %d, which this program cannot check", b.number, b.form)
		sound = false
	case !bytes.Equal(b.sum(), b.hash):
		broken("batch %d was edited: its lists do not give its hash", b.number)
	}
	v.follows(ch, b, broken)
	for i := range b.lists {
		l := &b.lists[i]
		ids, err := parseSpans(l.text)
		if l.ids = ids; err != nil || ids.count()*digestBytes != int64(len(l.digests)) {
			broken("batch %d: its list of %s has not one digest for each row", b.number, l.table)
			sound = false
			continue
		}
		if u := ch.listed[l.table]; u != nil {
			u.add(ids)
		}
	}
	if b.lostNumber != 0 {
		f := Finding{Kind: LostCommits, Batch: b.number, lost: b.lostNumber, covers: b.lostHash, What: fmt.Sprintf(
			"when batch %d was made, batch %d was known outside the database (hash %s), and the database did not hold it: its newest commits were lost, or somebody removed them",
			b.number, b.lostNumber, short(hex.EncodeToString(b.lostHash)))}
		v.found(ch.check, f)
		ch.noted = ch.noted || b.lostNumber == v.Outside.Number && hex.EncodeToString(b.lostHash) == v.Outside.Hash
	}
	if b.number == v.Outside.Number {
		ch.atHead = b.hash
	}
	if ch.last = b; b.complete {
		ch.lastComplete = b.sealedAt
	}
	return sound
}

// lostHead stands in seal_covers for a head that was lost; the id is its number.
const lostHead = "seal_batches"

// follows compares a batch with the one before it.
func (v *verification) follows(ch *chain, b *batch, broken func(string, ...any)) {
	before := ch.last
	if before == nil {
		before = &batch{hash: make([]byte, len(b.previous))}
	}
	switch {
	case !bytes.Equal(b.previous, before.hash) && ch.last == nil:
		broken("batch %d is the first that is there, and was made behind another one: earlier batches were removed", b.number)
	case !bytes.Equal(b.previous, before.hash):
		broken("batch %d does not follow on batch %d: one of the two was written anew, or a batch between them was removed", b.number, before.number)
	case b.number != max(before.number, b.lostNumber)+1:
		broken("batch %d follows on batch %d: its number was edited", b.number, before.number)
	}
}

// compareHead compares the chain with the head outside.
func (v *verification) compareHead(ch *chain) {
	c := v.check(CheckHead, "the head kept outside is in the chain", "heads")
	out := v.Outside
	switch {
	case v.outsideProblem != "":
		c.Unchecked = v.outsideProblem
		return
	case out.Number == 0 && v.Head.Number == 0:
		c.Note = "nothing is sealed yet"
		return
	case out.Number == 0:
		c.Unchecked = "no head of this ledger is kept outside the database: only what was changed without writing the seal anew is seen"
		return
	}
	c.Checked = 1
	switch {
	case ch.noted: // and reported with its batch
		c.Note = fmt.Sprintf("batch %d outside was lost with its commits, which the chain says", out.Number)
	case ch.atHead == nil && out.Number > v.Head.Number:
		hash, _ := hex.DecodeString(out.Hash)
		v.found(c, Finding{Kind: LostCommits, Batch: out.Number, lost: out.Number, covers: hash, What: fmt.Sprintf(
			"outside the database batch %d of %s is known, and the database ends with batch %d: its newest commits were lost (a recovery, a backup), or somebody removed them",
			out.Number, out.SealedAt.UTC().Format(time.RFC3339), v.Head.Number)})
	case hex.EncodeToString(ch.atHead) != out.Hash:
		v.found(c, Finding{Kind: HeadDiffers, Batch: out.Number, What: fmt.Sprintf(
			"batch %d has another hash than the head outside, which was written at %s: the seal was written anew from there, or from an earlier batch on",
			out.Number, out.SealedAt.UTC().Format(time.RFC3339))})
	case out.Number < v.Head.Number:
		c.Note = fmt.Sprintf("the head outside is batch %d of %s: what was sealed since is held by the database alone", out.Number, out.SealedAt.UTC().Format(time.RFC3339))
	}
}

// short is the beginning of a hash, for a person.
func short(hash string) string {
	const shown = 16
	if len(hash) > shown {
		return hash[:shown]
	}
	return hash
}

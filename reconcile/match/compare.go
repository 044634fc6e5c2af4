package match

import (
	"fmt"
	"slices"
	"time"

	"pointsledger/evidence"
	"pointsledger/ledger"
)

// comparing is one comparison under way.
type comparing struct {
	*Member
	known *Known
	out   Outcome
	// taken and done say what is claimed, of records and postings.
	taken, done []bool
	// ours are the records of each posting by reference.
	ours [][]int
	// keys are those of the items.
	keys map[string]bool
}

// Compare says what became of a member's postings and records. Its time grows with
// their number, but for what is alike in points and time.
func Compare(m *Member, known *Known) Outcome {
	c := &comparing{Member: m, known: known, taken: make([]bool, len(m.Records)), done: make([]bool, len(m.Postings)), ours: make([][]int, len(m.Postings)), keys: map[string]bool{}}
	for i := range m.Postings {
		if p := &m.Postings[i]; p.State == Posted && known.within(p.EndedAt) {
			c.out.Postings++
			c.out.Compared++
		}
	}
	c.findReferences()
	for i := range m.Postings {
		c.byReference(i)
	}
	c.strays()
	c.propose()
	c.leftPostings()
	c.leftRecords()
	c.balance()
	return c.out
}

// findReferences finds the records of each posting that end with its reference.
func (c *comparing) findReferences() {
	records := make([]evidence.Record, len(c.Records))
	for i := range c.Records {
		r := &c.Records[i]
		records[i] = evidence.Record{Award: true, Points: abs(r.Points), Text: r.Text, At: r.At}
	}
	issued := make([]evidence.Issued, len(c.Postings))
	for i := range c.Postings {
		p := &c.Postings[i]
		issued[i] = evidence.Issued{Reference: p.Reference, Reason: p.Reason, Points: ledger.Points(abs(p.Points)), SentAt: p.SentAt}
	}
	for r, p := range evidence.ShownBy(records, issued) {
		if p >= 0 {
			c.ours[p] = append(c.ours[p], r)
		}
	}
}

// byReference says what the records of a posting's reference make of it.
func (c *comparing) byReference(i int) {
	p, records := &c.Postings[i], c.ours[i]
	if len(records) == 0 {
		return
	}
	first := &c.Records[records[0]]
	single := len(records) == 1 && first.Points == p.Points
	switch {
	case p.State == Voided:
		c.item(VoidedButApplied, StepTakeBack, []int{i}, records, fmt.Sprintf("not to be applied (%s), and %s with its reference", p.Words, c.recordWords(records)))
	case p.State == Open && single && !c.known.within(first.At):
		c.leave(records)
	case p.State == Open && single:
		step, words := StepWait, "the worker goes on with it"
		if p.Parked {
			step, words = StepSettle, "a person settles it"
		}
		c.item(InTransit, step, []int{i}, records, fmt.Sprintf("not ended here (%s), and %s ends with its reference: %s", p.Words, c.recordWords(records), words))
	case single && c.again(p, first):
		c.oneMore(i, records)
	case single:
		c.pair(i, records[0], ByReference)
	case c.sameWay(p, records) && len(records) > 1:
		c.item(AppliedTwice, StepTakeBack, []int{i}, records, fmt.Sprintf("%s end with its reference%s", c.recordWords(records), c.alike(records)))
	default:
		c.item(AmountDiffers, StepAskVendor, []int{i}, records, fmt.Sprintf("%s of %d points, and %s with its reference", posted(p), p.Points, c.recordWords(records)))
	}
}

// again tells that a record of the window is one more of a posting that ended in another
// one, whose own record was matched there: exports of single months show one of the two each.
func (c *comparing) again(p *Posting, r *Record) bool {
	return !c.known.within(p.EndedAt) && c.known.within(r.At) && !p.MatchedAt.IsZero() && !p.MatchedAt.Equal(r.At)
}

func (c *comparing) oneMore(i int, records []int) {
	p := &c.Postings[i]
	c.done[i] = true
	it := Item{Kind: AppliedTwice, Account: c.Account, MemberID: c.ID, Step: StepTakeBack, Operations: []ledger.OperationID{p.ID}, names: []string{p.BizID},
		Evidence: fmt.Sprintf("%s, outside of this window, and matched with a record of %s; %s ends with its reference, too", posted(p), instant(p.MatchedAt), c.recordWords(records))}
	it.name(p)
	it.At = c.Records[records[0]].At
	c.add(it, records)
}

// alike warns of records that nothing tells apart.
func (c *comparing) alike(records []int) string {
	first := c.Records[records[0]]
	for _, r := range records[1:] {
		if next := &c.Records[r]; next.Points != first.Points || next.Text != first.Text || !next.At.Equal(first.At) {
			return ""
		}
	}
	return "; they are alike to the second: one row may stand there twice in what was read"
}

func (c *comparing) sameWay(p *Posting, records []int) bool {
	return !slices.ContainsFunc(records, func(r int) bool { return (c.Records[r].Points < 0) != (p.Points < 0) })
}

// leave leaves records to another window.
func (c *comparing) leave(records []int) {
	for _, r := range records {
		c.claim(r, Outside, 0, -1)
	}
}

func (c *comparing) claim(record int, how How, operation ledger.OperationID, item int) {
	c.taken[record] = true
	c.out.Matches = append(c.out.Matches, Match{Record: c.Records[record].ID, Operation: operation, How: how, Item: item})
}

// pair closes a posting with a record, or proposes to.
func (c *comparing) pair(posting, record int, how How) {
	p, r := &c.Postings[posting], &c.Records[record]
	c.done[posting] = true
	if !c.known.within(p.EndedAt) {
		c.claim(record, Outside, p.ID, -1)
		return
	}
	c.claim(record, how, p.ID, -1)
	c.out.Records++
	c.out.LedgerPoints += p.Points
	c.out.VendorPoints += r.Points
	if how == ByReference {
		c.out.MatchedByReference++
		c.out.MatchedPoints += p.Points
		return
	}
	c.out.Proposed++
	c.out.ProposedPoints += p.Points
}

// concerns tells that any of these is of the window.
func (c *comparing) concerns(postings, records []int) bool {
	return slices.ContainsFunc(postings, func(i int) bool {
		p := &c.Postings[i]
		return p.State == Open || c.known.within(p.EndedAt)
	}) || slices.ContainsFunc(records, func(r int) bool { return c.known.within(c.Records[r].At) })
}

// item claims postings and records for an item. What concerns no window is left.
func (c *comparing) item(kind Kind, step Step, postings, records []int, words string) {
	for _, i := range postings {
		c.done[i] = true
	}
	if !c.concerns(postings, records) {
		c.leave(records)
		return
	}
	it := Item{Kind: kind, Account: c.Account, MemberID: c.ID, Step: step, Evidence: words}
	for _, i := range postings {
		p := &c.Postings[i]
		it.name(p)
		it.names = append(it.names, p.BizID)
		if it.Operations = append(it.Operations, p.ID); p.State == Posted {
			it.LedgerPoints += p.Points
		} else if kind == InTransit && len(records) == 0 {
			it.OpenPoints += p.Points
		}
	}
	c.add(it, records)
}

// name has the item named after its first operation.
func (it *Item) name(p *Posting) {
	if it.Operation == 0 {
		it.Operation, it.BizID, it.BusinessKey, it.Reference, it.At = p.ID, p.BizID, p.BusinessKey, p.Reference, p.EndedAt
		if it.At.IsZero() {
			it.At = p.RecordedAt
		}
	}
}

// add adds an item with its records.
func (c *comparing) add(it Item, records []int) {
	how := InItem
	if it.Kind == InTransit {
		how = OnItsWay
		c.out.InTransit++
	}
	for _, r := range records {
		record := &c.Records[r]
		c.claim(r, how, it.Operation, len(c.out.Items))
		c.out.Records++
		it.VendorPoints += record.Points
		it.Records = append(it.Records, record.ID)
		if it.At.IsZero() {
			it.At = record.At
		}
		if it.Reference == "" {
			it.Reference = evidence.ReferenceAtEnd(record.Text)
		}
	}
	c.out.LedgerPoints += it.LedgerPoints
	c.out.VendorPoints += it.VendorPoints
	it.Key = c.key(&it, records)
	for c.keys[it.Key] { // alike to the second, and another one all the same
		it.names = append(it.names, "one more")
		it.Key = c.key(&it, records)
	}
	c.keys[it.Key] = true
	c.out.Items = append(c.out.Items, it)
}

// strays says of records with a reference that is none of the member's postings at hand
// what they are.
func (c *comparing) strays() {
	issued := map[string]bool{}
	for i := range c.Postings {
		issued[c.Postings[i].Reference] = true
	}
	for i := range c.Records {
		r := &c.Records[i]
		if c.taken[i] {
			continue
		}
		reference := evidence.ReferenceAtEnd(r.Text)
		switch {
		case r.Stray != nil:
			c.stray(i, r.Stray)
		case reference == "" || issued[reference]: // perhaps another operation's text, cut off
		case c.known.within(r.At):
			c.add(Item{Kind: OnlyAtVendor, Account: c.Account, MemberID: c.ID, Step: StepAskVendor, Reference: reference,
				Evidence: c.recordWords([]int{i}) + " ends with a reference that this ledger has never issued"}, []int{i})
		default:
			c.leave([]int{i})
		}
	}
}

func (c *comparing) stray(i int, s *Stray) {
	r, words := &c.Records[i], c.recordWords([]int{i})
	it := Item{Account: c.Account, MemberID: c.ID, Operations: []ledger.OperationID{s.ID}, names: []string{s.BizID}}
	from, to := c.known.span(&s.Posting)
	switch {
	case !c.known.within(r.At) && !s.Counts:
		c.leave([]int{i})
		return
	case s.Account != c.Account:
		it.Kind, it.Step = OnlyAtVendor, StepAskVendor
		it.Evidence = fmt.Sprintf("%s ends with the reference of operation %d, which is of account %s", words, s.ID, s.Account)
	case s.MemberID != c.ID:
		it.Kind, it.Step = WrongMember, StepMove
		it.Evidence = fmt.Sprintf("%s ends with the reference of operation %d, which is of member %s (%s)", words, s.ID, s.MemberID, s.Words)
		if s.Counts {
			it.LedgerPoints = s.Points
			it.Evidence += " and has no record there"
		}
	case s.State == Voided:
		it.Kind, it.Step = VoidedButApplied, StepTakeBack
		it.Evidence = fmt.Sprintf("not to be applied (%s, %s), and %s ends with its reference", s.Words, instant(s.EndedAt), words)
	case s.State == Open || !r.At.Before(from) && !r.At.After(to):
		c.leave([]int{i}) // ended in another window, by a call of this one
		return
	default:
		it.Kind, it.Step = AppliedTwice, StepTakeBack
		it.Evidence = fmt.Sprintf("posted at %s, outside of this window, and %s ends with its reference", instant(s.EndedAt), words)
	}
	it.name(&s.Posting)
	it.At = r.At
	c.add(it, []int{i})
}

// leftPostings says of each posting that nothing claims what it is.
func (c *comparing) leftPostings() {
	for i := range c.Postings {
		p := &c.Postings[i]
		switch {
		case c.done[i] || p.State == Voided:
		case p.State == Open:
			c.item(InTransit, stepOfOpen(p), []int{i}, nil, "not ended: "+p.Words)
		case !c.known.within(p.EndedAt):
		case p.Elsewhere: // an item at that member
		case !c.known.due(p, c.ReadAt):
			c.item(InTransit, StepWait, []int{i}, nil, fmt.Sprintf("%s, and records may be shown as late as %s: read at %s", posted(p), instant(p.EndedAt.Add(c.known.Lag)), instant(c.ReadAt)))
		case !p.Reached:
			c.out.BeyondReach++
			c.out.BeyondReachPoints += p.Points
			c.out.Compared--
		default:
			words := "no record ends with its reference, and none without one has its points at that time"
			if !c.known.References {
				words = "no record has its points at that time; the account does not show references"
			}
			c.item(OnlyInLedger, StepAskVendor, []int{i}, nil, posted(p)+"; "+words)
		}
	}
}

func stepOfOpen(p *Posting) Step {
	switch {
	case p.WorkItem:
		return StepByHand
	case p.Parked:
		return StepSend
	}
	return StepWait
}

// leftRecords says of each record that nothing claims whose it is.
func (c *comparing) leftRecords() {
	for i := range c.Records {
		r := &c.Records[i]
		switch {
		case c.taken[i]:
		case !c.known.within(r.At):
			c.claim(i, Outside, 0, -1)
		case c.known.SoleSource && r.Points > 0:
			c.add(Item{Kind: OnlyAtVendor, Account: c.Account, MemberID: c.ID, Step: StepAskVendor,
				Evidence: c.recordWords([]int{i}) + " has no reference of ours and is no posting, and nothing else is to grant points here"}, []int{i})
		default:
			c.claim(i, NotOurs, 0, -1)
			c.out.Records++
			c.out.NotOurs++
			c.out.NotOursPoints += r.Points
		}
	}
}

// recordWords names records: one by its points and time, more by how many they are.
func (c *comparing) recordWords(records []int) string {
	if len(records) == 1 {
		r := &c.Records[records[0]]
		if r.At.IsZero() {
			return fmt.Sprintf("a record of %d points", r.Points)
		}
		return fmt.Sprintf("a record of %d points at %s", r.Points, instant(r.At))
	}
	var sum int64
	for _, r := range records {
		sum += c.Records[r].Points
	}
	return fmt.Sprintf("%d records of %d points together", len(records), sum)
}

func posted(p *Posting) string {
	if p.State == Open {
		return "not ended here (" + p.Words + ")"
	}
	return fmt.Sprintf("posted at %s (%s)", instant(p.EndedAt), p.Words)
}

func instant(at time.Time) string { return at.UTC().Format(time.RFC3339) }

func abs(n int64) int64 { return max(n, -n) }

package records

import (
	"fmt"
	"maps"
	"slices"

	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/evidence"
	"pointsledger/ledger"
)

// Difference is what does not agree, or is not done, and what to do.
type Difference struct {
	Kind Finding `json:"kind"`
	// Cause is why, for what is parked.
	Cause  ledger.Cause `json:"cause"`
	Count  int64        `json:"count"`
	Points int64        `json:"points"`
	// Operations are the first of them.
	Operations []ledger.OperationID `json:"operation_ids"`
	Words      string               `json:"words"`
	// Steps are what can be done about the first of them. Commands are the same as
	// a terminal types them: whoever has one fills them in.
	Steps    []desk.Step `json:"-"`
	Commands []string    `json:"commands"`
}

// MaxSteps bounds the operations of a difference that steps are for.
const MaxSteps = 3

// differenceOrder is the order of what is printed: what lost or gave points
// wrongly comes first.
var differenceOrder = [...]Finding{AppliedAgain, PointsDiffer, OpenSeen, VoidedSeen, NotInRecords, UnknownReference, DoubtSeen,
	DoubtMaybe, DoubtAbsent, DoubtOpen, ParkedUnseen, UnderWay, JustPosted, NotCompared, OtherAward, OtherSpent}

// differences sums up the rows by what they say, and why.
func (a *MemberAccount) differences() []Difference {
	type group struct {
		finding Finding
		cause   ledger.Cause
	}
	of := map[group][]memberRow{}
	var causes []group // in order of appearance
	for _, r := range a.rows {
		g := group{finding: r.finding}
		if r.operation != nil && r.operation.State == string(ledger.Parked) {
			g.cause = r.operation.Cause
		}
		if of[g] == nil {
			causes = append(causes, g)
		}
		of[g] = append(of[g], r)
	}
	list := []Difference{}
	for _, finding := range differenceOrder {
		for _, g := range causes {
			if g.finding == finding && (finding != NotCompared || a.Vendor.read) {
				list = append(list, a.difference(g.finding, g.cause, of[g]))
			}
		}
	}
	return list
}

func (a *MemberAccount) difference(finding Finding, cause ledger.Cause, rows []memberRow) Difference {
	d := Difference{Kind: finding, Cause: cause, Count: int64(len(rows)), Operations: []ledger.OperationID{}, Commands: []string{}}
	for _, r := range rows {
		d.Points += max(r.points, -r.points)
		if r.operation != nil && len(d.Operations) < MaxSteps {
			d.Operations = append(d.Operations, r.operation.ID)
		}
	}
	d.Words = a.differenceWords(&d, rows)
	for _, r := range rows[:min(len(rows), MaxSteps)] {
		if step, found := a.step(finding, r); found {
			d.Steps = append(d.Steps, step)
		}
	}
	return d
}

// them is "1 operation (100 points)".
func (d *Difference) them(noun string) string {
	return fmt.Sprintf("%s (%s)", wording.Plural(d.Count, noun), wording.Plural(d.Points, "point"))
}

func (a *MemberAccount) verifies() bool { return a.config.Verifies }

// looksUp tells whether all of the rows would be looked up: records tell of grants alone.
func (a *MemberAccount) looksUp(rows []memberRow) bool {
	return a.verifies() && !slices.ContainsFunc(rows, func(r memberRow) bool { return r.operation != nil && r.operation.Kind != ledger.PointsAdd })
}

// differenceWords says what a finding means and what to do about it.
func (a *MemberAccount) differenceWords(d *Difference, rows []memberRow) string {
	operations, records := d.them("operation"), d.them("record")
	switch d.Kind {
	case AppliedAgain:
		return records + " too many: the vendor shows an operation of ours more than once, so it granted it again. There is no call that takes points back: ask the vendor to."
	case PointsDiffer:
		shown := int64(0)
		for _, r := range rows {
			shown += r.record.Points
		}
		return fmt.Sprintf("Other points: the ledger has %s; the records show our reference with %s. Ask the vendor how this came to be.", operations, wording.Plural(shown, "point"))
	case OpenSeen:
		return operations + " granted by the vendor, though the ledger does not know: the member has these points. Do not put it back, as it is not in doubt and would be sent again. Have it posted with the record as evidence:"
	case VoidedSeen:
		return operations + " given up by a person, though the vendor granted it: the member has these points. Leave it, or ask the vendor to take them back."
	case NotInRecords:
		return "Missing at the vendor: " + operations + " posted, but not in the records. " + a.missingWords() + " See how it was posted, and ask the vendor for the dedup key:"
	case UnknownReference:
		return records + " with a reference of ours, but the ledger has no such operation of this member. " + a.unknownWords()
	case DoubtSeen:
		return a.doubtSeenWords(operations, d.Cause)
	case DoubtMaybe:
		return operations + " in doubt, and a record without our reference that has the same points, or begins like our text: it may be this one. Ask the vendor what the record stands for before you decide:"
	case DoubtAbsent:
		words := operations + " in doubt, and not in the records, which would show it: the vendor did not apply it. "
		if !a.verifies() {
			return words + "This account sends again without looking."
		}
		return words + "Put back, it is looked up once more and then sent:"
	case DoubtOpen:
		return a.doubtOpenWords(operations, d.Cause, a.looksUp(rows))
	case ParkedUnseen:
		return fmt.Sprintf("%s parked (%s): %s. The member does not have these points. %s:", operations, d.Cause,
			wording.Cause(d.Cause, ledger.Parked), wording.Advice(d.Cause, a.looksUp(rows), a.names))
	case UnderWay:
		return operations + " on the way: the workers send it by themselves." + a.gateWords()
	case JustPosted:
		return operations + " posted just now, and not in the records yet. Look again in a minute."
	case NotCompared:
		return operations + " posted, and not compared: the vendor has more records than were read, or it is no grant, which alone is compared."
	case OtherAward:
		return records + " from other sources (tills, campaigns, the vendor's people): not ours, and no fault."
	}
	return records + " of points spent or taken back: no grant, and no fault."
}

// missingWords says what it is worth that a posted operation is not seen.
func (a *MemberAccount) missingWords() string {
	if a.echo {
		return "The vendor confirmed it; its records show our references, and not this one."
	}
	return "The vendor confirmed it. Its records do not show our references, and none has these points and about that time."
}

// unknownWords says where an operation may be that only the vendor knows.
func (a *MemberAccount) unknownWords() string {
	words := "It may have been recorded under another member id"
	if a.ScanEnded || a.MoreOperations {
		words += ", or longer ago than was looked through here (" + a.names.LongerAgo + ")"
	}
	return words + ". If " + a.names.Show + " does not find it, the ledger has lost it: " + a.names.Reread + " can bring it back."
}

func (a *MemberAccount) doubtSeenWords(operations string, cause ledger.Cause) string {
	words := operations + " in doubt, and in the records: the member has these points. "
	switch {
	case cause == "" && a.verifies():
		return words + "The worker sees that by itself with its next attempt, and posts it." + a.gateWords()
	case a.verifies():
		return words + "Put back, it is looked up and posted, not sent again:"
	}
	return words + "This account sends again without looking: have it posted with the record as evidence instead:"
}

func (a *MemberAccount) doubtOpenWords(operations string, cause ledger.Cause, looksUp bool) string {
	words := operations + " in doubt: the vendor may have applied it. "
	switch {
	case !a.Vendor.read:
		words += "The records were not read, so there is no telling here. "
	case len(a.lacks) > 0:
		words += "The records show nothing like it, and that proves nothing: "
		for i, lack := range slices.Sorted(maps.Keys(a.lacks)) {
			if i > 0 {
				words += "; "
			}
			words += lack.Words()
		}
		words += ". "
	}
	if cause == "" {
		return words + "The worker goes on with it by itself." + a.gateWords()
	}
	return fmt.Sprintf("%sParked (%s): %s. %s:", words, cause, wording.Cause(cause, ledger.Parked), wording.Advice(cause, looksUp, a.names))
}

// gateWords is what a closed gate means for what is on the way.
func (a *MemberAccount) gateWords() string {
	if a.Gate == "" {
		return ""
	}
	return fmt.Sprintf(" Not now: the account's gate is closed, as %s; see %s.", wording.Gate(a.Gate), a.names.Status)
}

// step is what can be done about one of the rows; found is false for nothing.
func (a *MemberAccount) step(finding Finding, r memberRow) (_ desk.Step, found bool) {
	o := r.operation
	parked := o != nil && o.State == string(ledger.Parked)
	show := func() (desk.Step, bool) { return desk.Step{Do: desk.StepShow, Operation: o.ID, BizID: o.BizID}, true }
	settle := func() (desk.Step, bool) {
		shown := "in the member's records"
		if at := r.record.At; !at.IsZero() {
			shown = "record of " + wording.Moment(at)
		}
		return desk.Step{Do: desk.StepSettle, Operation: o.ID, BizID: o.BizID, Evidence: shown}, true
	}
	switch finding {
	case OpenSeen:
		if parked {
			return settle()
		}
		return show()
	case DoubtSeen:
		if parked && !a.verifies() {
			return settle()
		}
		fallthrough
	case DoubtAbsent, DoubtOpen, ParkedUnseen:
		if parked && wording.WorthReplay(o.Cause, a.verifies()) {
			return desk.Step{Do: desk.StepPutBack, Operation: o.ID, BizID: o.BizID}, true
		}
		if parked {
			return show()
		}
	case AppliedAgain, PointsDiffer, VoidedSeen, NotInRecords, DoubtMaybe:
		return show()
	case UnknownReference:
		return desk.Step{Do: desk.StepShow, Reference: evidence.ReferenceAtEnd(r.record.Text)}, true
	}
	return desk.Step{}, false
}

// Agreement says what is right: how much of what was posted is in the records.
func (a *MemberAccount) Agreement() string {
	exact, guess := 0, 0
	for _, r := range a.rows {
		switch r.finding {
		case InBoth:
			exact++
		case InBothByGuess:
			guess++
		}
	}
	posted := a.Ledger.Posted.Count
	switch {
	case posted == 0 || !a.Vendor.read:
		return ""
	case guess == 0:
		return fmt.Sprintf("Posted and in the vendor's records, by our reference: %s of %s.", wording.Count(exact), wording.Plural(posted, "operation"))
	case exact == 0:
		return fmt.Sprintf("Posted and in the vendor's records, by points and time (a guess, as they do not show our references): %s of %s.", wording.Count(guess), wording.Plural(posted, "operation"))
	}
	return fmt.Sprintf("Posted and in the vendor's records: %s of %s by our reference, and %s by points and time, a guess.", wording.Count(exact), wording.Plural(posted, "operation"), wording.Count(guess))
}

package main

import (
	"fmt"
	"maps"
	"slices"

	"pointsledger/desk/wording"
	"pointsledger/evidence"
	"pointsledger/internal/config"
	"pointsledger/ledger"
)

// memberDifference is what does not agree, or is not done, and what to do.
type memberDifference struct {
	Kind memberFinding `json:"kind"`
	// Cause is why, for what is parked.
	Cause  string `json:"cause"`
	Count  int64  `json:"count"`
	Points int64  `json:"points"`
	// Operations are the first of them.
	Operations []ledger.OperationID `json:"operation_ids"`
	Words      string               `json:"words"`
	// Commands are for the first of them.
	Commands []string `json:"commands"`
}

// memberCommands bounds the operations that commands are printed for.
const memberCommands = 3

// differenceOrder is the order of what is printed: what lost or gave points
// wrongly comes first.
var differenceOrder = [...]memberFinding{appliedAgain, pointsDiffer, openSeen, voidedSeen, notInRecords, unknownReference, doubtSeen,
	doubtMaybe, doubtAbsent, doubtOpen, parkedUnseen, underWay, justPosted, notCompared, otherAward, otherSpent}

// differences sums up the rows by what they say, and why.
func (a *memberAccount) differences() []memberDifference {
	type group struct {
		finding memberFinding
		cause   string
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
	list := []memberDifference{}
	for _, finding := range differenceOrder {
		for _, g := range causes {
			if g.finding == finding && (finding != notCompared || a.Vendor.read) {
				list = append(list, a.difference(g.finding, g.cause, of[g]))
			}
		}
	}
	return list
}

func (a *memberAccount) difference(finding memberFinding, cause string, rows []memberRow) memberDifference {
	d := memberDifference{Kind: finding, Cause: cause, Count: int64(len(rows)), Operations: []ledger.OperationID{}, Commands: []string{}}
	for _, r := range rows {
		d.Points += max(r.points, -r.points)
		if r.operation != nil && len(d.Operations) < memberCommands {
			d.Operations = append(d.Operations, r.operation.ID)
		}
	}
	d.Words = a.differenceWords(&d, rows)
	for _, r := range rows[:min(len(rows), memberCommands)] {
		if line := a.differenceCommand(finding, r); line != "" {
			d.Commands = append(d.Commands, line)
		}
	}
	return d
}

// them is "1 operation (100 points)".
func (d *memberDifference) them(noun string) string {
	return fmt.Sprintf("%s (%s)", wording.Plural(d.Count, noun), wording.Plural(d.Points, "point"))
}

func (a *memberAccount) verifies() bool { return a.config.InDoubt == config.InDoubtVerify }

// differenceWords says what a finding means and what to do about it.
func (a *memberAccount) differenceWords(d *memberDifference, rows []memberRow) string {
	operations, records := d.them("operation"), d.them("record")
	switch d.Kind {
	case appliedAgain:
		return records + " too many: the vendor shows an operation of ours more than once, so it granted it again. There is no call that takes points back: ask the vendor to."
	case pointsDiffer:
		shown := int64(0)
		for _, r := range rows {
			shown += r.record.Points
		}
		return fmt.Sprintf("Other points: the ledger has %s; the records show our reference with %s. Ask the vendor how this came to be.", operations, wording.Plural(shown, "point"))
	case openSeen:
		return operations + " granted by the vendor, though the ledger does not know: the member has these points. Do not put it back, as it is not in doubt and would be sent again. Have it posted with the record as evidence:"
	case voidedSeen:
		return operations + " given up by a person, though the vendor granted it: the member has these points. Leave it, or ask the vendor to take them back."
	case notInRecords:
		return "Missing at the vendor: " + operations + " posted, but not in the records. " + a.missingWords() + " See how it was posted, and ask the vendor for the dedup key:"
	case unknownReference:
		return records + " with a reference of ours, but the ledger has no such operation of this member. " + a.unknownWords()
	case doubtSeen:
		return a.doubtSeenWords(operations, d.Cause)
	case doubtMaybe:
		return operations + " in doubt, and a record without our reference that has the same points, or begins like our text: it may be this one. Ask the vendor what the record stands for before you decide:"
	case doubtAbsent:
		words := operations + " in doubt, and not in the records, which would show it: the vendor did not apply it. "
		if !a.verifies() {
			return words + "This account sends again without looking."
		}
		return words + "Put back, it is looked up once more and then sent:"
	case doubtOpen:
		return a.doubtOpenWords(operations, d.Cause)
	case parkedUnseen:
		return fmt.Sprintf("%s parked (%s): %s. The member does not have these points. %s:", operations, d.Cause,
			wording.Cause(d.Cause, string(ledger.Parked)), wording.Advice(d.Cause, a.verifies()))
	case underWay:
		return operations + " on the way: the workers send it by themselves." + a.gateWords()
	case justPosted:
		return operations + " posted just now, and not in the records yet. Look again in a minute."
	case notCompared:
		return operations + " posted, and not compared: the vendor has more records than were read."
	case otherAward:
		return records + " from other sources (tills, campaigns, the vendor's people): not ours, and no fault."
	}
	return records + " of points spent: not ours, and no fault."
}

// missingWords says what it is worth that a posted operation is not seen.
func (a *memberAccount) missingWords() string {
	if a.echo {
		return "The vendor confirmed it; its records show our references, and not this one."
	}
	return "The vendor confirmed it. Its records do not show our references, and none has these points and about that time."
}

// unknownWords says where an operation may be that only the vendor knows.
func (a *memberAccount) unknownWords() string {
	words := "It may have been recorded under another member id"
	if a.ScanEnded || a.MoreOperations {
		words += ", or longer ago than was looked through here (--since)"
	}
	return words + ". If `replay show` does not find it, the ledger has lost it: `replay stream` can bring it back."
}

func (a *memberAccount) doubtSeenWords(operations, cause string) string {
	words := operations + " in doubt, and in the records: the member has these points. "
	switch {
	case cause == "" && a.verifies():
		return words + "The worker sees that by itself with its next attempt, and posts it." + a.gateWords()
	case a.verifies():
		return words + "Put back, it is looked up and posted, not sent again:"
	}
	return words + "This account sends again without looking: have it posted with the record as evidence instead:"
}

func (a *memberAccount) doubtOpenWords(operations, cause string) string {
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
	return fmt.Sprintf("%sParked (%s): %s. %s:", words, cause, wording.Cause(cause, string(ledger.Parked)), wording.Advice(cause, a.verifies()))
}

// gateWords is what a closed gate means for what is on the way.
func (a *memberAccount) gateWords() string {
	if a.gate == "" {
		return ""
	}
	return fmt.Sprintf(" Not now: the account's gate is closed, as %s; see `replay status`.", wording.Gate(a.gate))
}

// differenceCommand is the command for one of the rows; empty for none.
func (a *memberAccount) differenceCommand(finding memberFinding, r memberRow) string {
	o := r.operation
	parked := o != nil && o.State == string(ledger.Parked)
	settle := func() string {
		evidence := "in the member's records"
		if at := r.record.At; !at.IsZero() {
			evidence = "record of " + wording.Moment(at)
		}
		return shell("replay", "settle", string(o.BizID), "--evidence", evidence, "--reason", reasonToFill)
	}
	switch finding {
	case openSeen:
		if parked {
			return settle()
		}
		return showCommand(o.ID)
	case doubtSeen:
		if parked && !a.verifies() {
			return settle()
		}
		fallthrough
	case doubtAbsent, doubtOpen, parkedUnseen:
		if parked && wording.WorthReplay(o.Cause, a.verifies()) {
			return runBizID(o.BizID)
		}
		if parked {
			return showCommand(o.ID)
		}
	case appliedAgain, pointsDiffer, voidedSeen, notInRecords, doubtMaybe:
		return showCommand(o.ID)
	case unknownReference:
		return shell("replay", "show", evidence.ReferenceAtEnd(r.record.Text))
	}
	return ""
}

func showCommand(id ledger.OperationID) string { return fmt.Sprintf("replay show %d", id) }

// agreeWords says what is right: how much of what was posted is in the records.
func (a *memberAccount) agreeWords() string {
	exact, guess := 0, 0
	for _, r := range a.rows {
		switch r.finding {
		case inBoth:
			exact++
		case inBothGuess:
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

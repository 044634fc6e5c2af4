package ledger

import "strings"

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

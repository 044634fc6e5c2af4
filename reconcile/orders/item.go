package orders

import "time"

// Kind is what a comparison says of an order.
type Kind string

// The kinds, in the order in which they are summed up. All but Refunded are differences.
const (
	// MissingHere: it is in the list, and the ledger has neither accepted nor rejected it.
	MissingHere Kind = "missing_here"
	// Rejected: it is in the list, and its event was rejected.
	Rejected Kind = "rejected"
	// HereOnly: the ledger has it, and the list does not.
	HereOnly Kind = "here_only"
	// OtherAmount: the list's amount is neither what was paid nor what refunds left of it.
	OtherAmount Kind = "other_amount"
	// ListedTwice: the list has it several times, with the same amount each time.
	ListedTwice Kind = "listed_twice"
	// Ambiguous: several sources have an order of this number.
	Ambiguous Kind = "ambiguous"
	// Refunded: it agrees, and a part of it or all was refunded since.
	Refunded Kind = "refunded"
)

// Kinds are all of them.
func Kinds() []Kind {
	return []Kind{MissingHere, Rejected, HereOnly, OtherAmount, ListedTwice, Ambiguous, Refunded}
}

// differs: a comparison with one of this kind does not agree.
func (k Kind) differs() bool { return k != Refunded }

// Item is an order that does not simply agree.
type Item struct {
	Kind  Kind   `json:"kind"`
	Order string `json:"order"`
	// Source has the order; of one that is missing, the source that was asked for, or
	// empty. Sources are all that have it, where they are several.
	Source  string   `json:"source"`
	Sources []string `json:"sources,omitempty"`
	// Row is the first row of the list that has it, Rows how many have; 0: none.
	Row  int `json:"row"`
	Rows int `json:"rows"`
	// At is the list's time of it, null where it has none.
	At *time.Time `json:"at"`
	// ListFen is the sum of its rows, null where the list has no amount; LedgerFen is what
	// was paid, and RefundedFen what was refunded of that.
	ListFen     *int64 `json:"list_fen"`
	LedgerFen   *int64 `json:"ledger_fen"`
	RefundedFen int64  `json:"refunded_fen"`
	// Member is the list's, or, of what the list has not, the ledger's.
	Member       string `json:"member_id"`
	Shop         string `json:"shop"`
	OperationID  int64  `json:"operation_id"`
	BusinessDate string `json:"business_date"`
	// RejectID is the newest reject of the order, 0: none; the code and the words are its.
	RejectID   int64  `json:"reject_id"`
	ReasonCode string `json:"reason_code"`
	Reason     string `json:"reason"`
	// Resolved: a person has dealt with the reject.
	Resolved bool `json:"resolved"`
}

// Sum is what the items of a kind come to.
type Sum struct {
	Orders    int64 `json:"orders"`
	ListFen   int64 `json:"list_fen"`
	LedgerFen int64 `json:"ledger_fen"`
}

// Summary is a whole comparison.
type Summary struct {
	// Sources are those whose orders were compared.
	Sources []string `json:"sources"`
	From    string   `json:"from"`
	To      string   `json:"to"`
	// Rows are those of the list that were used, Orders the different numbers in them.
	Rows    int64 `json:"rows"`
	Orders  int64 `json:"orders"`
	Outside int64 `json:"rows_outside"`
	Blank   int   `json:"rows_blank"`
	Footers int   `json:"rows_of_sums"`
	Ignored int   `json:"rows_ignored"`
	// Agree counts the orders that simply agree.
	Agree int64 `json:"agree"`
	// ListFen and LedgerFen are of all orders; their difference is that of the items.
	ListFen   int64        `json:"list_fen"`
	LedgerFen int64        `json:"ledger_fen"`
	Items     map[Kind]Sum `json:"items"`
	// Hundredfold: every other amount is a hundred times the ledger's, or a hundredth of
	// it, so that the map's amount_unit is likely wrong.
	Hundredfold bool `json:"hundredfold"`
	// Agrees: there is no difference.
	Agrees bool `json:"agrees"`

	scaled int64
}

// add counts an item.
func (s *Summary) add(i *Item) {
	sum := s.Items[i.Kind]
	sum.Orders++
	if i.ListFen != nil {
		sum.ListFen += *i.ListFen
	}
	if i.LedgerFen != nil {
		sum.LedgerFen += *i.LedgerFen
	}
	s.Items[i.Kind] = sum
	s.Agrees = s.Agrees && !i.Kind.differs()
	// An order whose rule keeps no amount has none in the ledger.
	if i.Kind == OtherAmount && i.LedgerFen != nil && *i.ListFen != 0 && (*i.ListFen/100 == *i.LedgerFen || *i.LedgerFen/100 == *i.ListFen) {
		s.scaled++
	}
}

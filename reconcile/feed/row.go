package feed

import "time"

// Field is what a column can be.
type Field string

// The fields, as they are named under columns in a map.
const (
	Member    Field = "member"
	Points    Field = "points"
	PointsIn  Field = "points_in"
	PointsOut Field = "points_out"
	Text      Field = "text"
	At        Field = "at"
	Order     Field = "order"
	Amount    Field = "amount"
	Shop      Field = "shop"
)

// Row is one row of a file.
type Row struct {
	// Number is the row of the sheet, or the line of a CSV file, from 1.
	Number int
	Member string
	// Points is signed: what a member gets is above 0.
	Points int64
	// Text is free text, in which a vendor may show our reference.
	Text string
	// At is an instant; DateOnly says that the file has only its date, in the map's zone.
	At       time.Time
	DateOnly bool
	Order    string
	// AmountFen is in fen; negative as the file has it.
	AmountFen int64
	Shop      string

	filled uint16
}

// Has says whether the row's cell of a field is there and not empty.
func (r *Row) Has(f Field) bool { return r.filled&f.bit() != 0 }

// fields are all of them; a field's place is its bit.
var fields = [...]Field{Member, Points, PointsIn, PointsOut, Text, At, Order, Amount, Shop}

func (f Field) bit() uint16 {
	for i, known := range fields {
		if f == known {
			return 1 << i
		}
	}
	return 0
}

// Needs is what whoever reads a file cannot do without.
type Needs struct {
	// Filled are columns that must be there and that no row may leave empty.
	Filled []Field
	// Columns are columns that must be there.
	Columns []Field
}

// LeftOut counts the rows that were read and not yielded.
type LeftOut struct {
	Blank   int `json:"blank"`
	Footers int `json:"footers"`
	// Ignored are those of a kind that the map ignores.
	Ignored int `json:"ignored"`
}

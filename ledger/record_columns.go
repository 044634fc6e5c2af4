package ledger

import (
	"fmt"
	"time"
)

// column is one column of new operations.
type column struct {
	// array has a value for each operation, as unnest reads it.
	array func([]newOperation) any
	// value is that of one operation.
	value func(*newOperation) any
}

func columnOf[T any](of func(*newOperation) T) column {
	return column{
		array: func(operations []newOperation) any {
			values := make([]T, len(operations))
			for i := range operations {
				values[i] = of(&operations[i])
			}
			return values
		},
		value: func(o *newOperation) any { return of(o) },
	}
}

// columns are the parameters of an operation's row, $1 and on, in
// sqlInsertOperations and sqlInsertNewOperation. Empty texts and zeroes become
// NULL there.
var columns = [...]column{
	columnOf(func(o *newOperation) string { return o.Account }),
	columnOf(func(o *newOperation) string { return string(o.Kind) }),
	columnOf(func(o *newOperation) string { return string(o.BizID) }),
	columnOf(func(o *newOperation) string { return o.BusinessKey }),
	columnOf(func(o *newOperation) string { return o.MemberID }),
	columnOf(func(o *newOperation) string { return o.MemberCode }),
	columnOf(func(o *newOperation) int64 { return int64(o.Points) }),
	columnOf(func(o *newOperation) int16 { return int16(o.SourceType) }),
	columnOf(func(o *newOperation) int16 { return int16(o.PointsChannel) }),
	columnOf(func(o *newOperation) string { return o.Reason }),
	columnOf(func(o *newOperation) string { return o.Reference }),
	columnOf(func(o *newOperation) time.Time { return o.date }),
	columnOf(func(o *newOperation) string { return o.ShopCode }),
	columnOf(func(o *newOperation) *int64 { return o.AmountFen }),
	columnOf(func(o *newOperation) string { return o.MappingVersion }),
	columnOf(func(o *newOperation) string { return o.entry.Event.Source }),
	columnOf(func(o *newOperation) string { return o.entry.Event.ID }),
	columnOf(func(o *newOperation) string { return o.entry.Event.Type }),
	columnOf(func(o *newOperation) time.Time { return o.entry.Event.Time }),
	columnOf(func(o *newOperation) string { return Storable(o.entry.Message.Subject) }),
	columnOf(func(o *newOperation) int64 { return int64(o.entry.Message.Seq) }),
	columnOf(func(o *newOperation) time.Time { return o.entry.Message.BrokerTime }),
	columnOf(func(o *newOperation) string { return o.entry.Event.Content }),
	columnOf(func(o *newOperation) [16]byte { return o.entry.Event.FactKey }),
	columnOf(func(o *newOperation) int16 { return int16(o.leg) }),
}

// arrays are the parameters of sqlInsertOperations, for all operations.
func (w *recordWrite) arrays() ([]any, error) {
	sortByFact(w.operations)
	if err := w.check(); err != nil {
		return nil, err
	}
	args := make([]any, 0, len(columns)+queueingArgs)
	for _, c := range columns {
		args = append(args, c.array(w.operations))
	}
	return append(append(args, w.how.outbox()...), w.how.leaseArrays()...), nil
}

// values are the parameters of sqlInsertNewOperation, for the only operation.
func (w *recordWrite) values() ([]any, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	o := &w.operations[0]
	args := make([]any, 0, len(columns)+queueingArgs)
	for _, c := range columns {
		args = append(args, c.value(o))
	}
	return append(append(args, w.how.outbox()...), w.how.leaseValues(o.Account)...), nil
}

// check reads the operations' business dates. The error is for what no code of
// ours may hand over.
func (w *recordWrite) check() (err error) {
	for i := range w.operations {
		o := &w.operations[i]
		if o.entry.Event.FactKey == (FactKey{}) {
			return fmt.Errorf("operation %s: it has no fact key", o.BizID)
		}
		if o.date, err = time.Parse(time.DateOnly, o.BusinessDate); err != nil {
			return fmt.Errorf("operation %s: business date: %w", o.BizID, err)
		}
	}
	return nil
}

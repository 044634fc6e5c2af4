package workitems

// SetBatch has Settle use smaller transactions.
func (x *Items) SetBatch(rows int) { x.batch = rows }

package records

// Tally is a number of operations or records and their points.
type Tally struct {
	Count  int64 `json:"count"`
	Points int64 `json:"points"`
}

func (t *Tally) add(points int64) { t.Count++; t.Points += points }

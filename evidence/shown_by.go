package evidence

// ShownBy says of each record which of a member's operations it shows: that operation's
// place in issued, or -1. It is for a look at all of a member's operations at once, and
// answers as [Judge] does for each. All records and operations are of one direction, and
// all points above 0: whether they give or take is left to the caller.
func ShownBy(records []Record, issued []Issued) []int {
	j := newJudging(Operation{}, Reading{}, issued, Knowledge{})
	places := make(map[string]int, len(issued))
	for i := range issued {
		places[issued[i].Reference] = i
	}
	by := make([]int, len(records))
	for i, r := range records {
		by[i] = -1
		reference := ReferenceAtEnd(r.Text)
		if place, ours := places[reference]; reference != "" && ours && !j.cutOfAnother(r, reference) {
			by[i] = place
		}
	}
	return by
}

// BeginsLike tells that a text is the beginning of a longer reason, cut off.
func BeginsLike(text, reason string) bool { return beginsLike(text, reason) }

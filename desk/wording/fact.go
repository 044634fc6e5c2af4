package wording

// Fact is a line of a view: what it is about, and what is so. A label that is empty
// goes on with the one before.
type Fact struct{ Label, Words string }

// Facts are the lines of a view, in order.
type Facts []Fact

// Add adds a line.
func (f *Facts) Add(label, words string) { *f = append(*f, Fact{label, words}) }

// Count adds a line for a number above 0, and what it means.
func (f *Facts) Count(label string, n int64, words string) {
	if n > 0 {
		f.Add(label, Count(n)+": "+words)
	}
}

package rules

import "slices"

// condition compares one field; one that is not set always holds.
type condition struct {
	set    bool
	field  int
	above  bool
	isText bool
	// number is the bound of above, numbers or texts are what equals one of.
	number  int64
	numbers []int64
	texts   []string
}

// holds is false when the field is absent.
func (c *condition) holds(values []value) bool {
	if !c.set {
		return true
	}
	v := &values[c.field]
	switch {
	case !v.present:
		return false
	case c.above:
		return v.number > c.number
	case c.isText:
		return slices.Contains(c.texts, v.text)
	}
	return slices.Contains(c.numbers, v.number)
}

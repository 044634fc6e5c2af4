package wording

import "pointsledger/desk"

// RulesFrom says in words where rules come from.
func RulesFrom(c *desk.ChosenRules) string {
	if c.FileName == "" {
		return "registered last by the workers, first used " + Moment(c.FirstUsed)
	}
	return "from " + c.FileName
}

package wording

// Names are what texts call the steps and settings that they tell a person to
// take or change: a terminal gives commands and flags, a page the words on its
// buttons. Each stands within a sentence; none is empty.
type Names struct {
	// Show looks at an operation; Resolve names its member, GiveUp voids it, PutBack
	// has it sent again.
	Show, Resolve, GiveUp, PutBack string
	// Reread reads the stream again.
	Reread string
	// Status shows the accounts and their gates.
	Status string
	// AskAccount is followed by the account that is to be asked, too.
	AskAccount string
	// LongerAgo looks through what is longer ago.
	LongerAgo string
	// ExportRejects writes out rejected events whole.
	ExportRejects string
	// CheckEvent tells whether an event can be read, ListFields what fields a type
	// of event has.
	CheckEvent, ListFields string
	// Configuration is the setting that says which configuration is read here.
	Configuration string
	// WorkItems are what a person does in a vendor's back office.
	WorkItems string
	// Member shows a member's records, Settle takes an operation for applied.
	Member, Settle string
}

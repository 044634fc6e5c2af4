package rebuild

import (
	"context"
	"errors"
	"slices"
	"time"

	"pointsledger/continuity/survey"
	"pointsledger/desk"
	"pointsledger/ledger/rulefiles"
	"pointsledger/rules"
)

// Stream is a stream that can be read again, beside the workers that read it.
type Stream interface {
	// State asks what there is.
	State(ctx context.Context) (survey.State, error)
	// SeqSince is the sequence of the first event that was stored at a time or
	// later; 0 when there is none.
	SeqSince(ctx context.Context, since time.Time) (uint64, error)
	// Survey reads a part, both ends included, and says what adding it would do. It
	// changes nothing. progress hears the last sequence that was read.
	Survey(ctx context.Context, from, to uint64, progress func(seq uint64)) (survey.Found, error)
	// Add records what the ledger lacks of a part.
	Add(ctx context.Context, a survey.Addition) (survey.Added, error)
}

// Watch is told how it goes, in time.
type Watch interface {
	// Chosen hears of the part before it is read: nothing is found yet.
	Chosen(r *Report)
	// Reads and Adds hear the last sequence that was read, of the part's last.
	Reads(seq, to uint64)
	Adds(seq, to uint64, added int64)
	// Waits hears that a worker, or another operator, has the lock.
	Waits()
}

// Words say an error to people, as it is kept with how adding ended.
type Words interface {
	Words(err error) string
}

// Deps are what a Room works with.
type Deps struct {
	Desk   *desk.Desk
	Files  *rulefiles.Registry
	Stream Stream
	Watch  Watch
	Words  Words
}

// Room is one stream and the rules that its events are mapped by. Not safe for
// concurrent use.
type Room struct {
	Deps
	stream string
	rules  Rules
}

// New makes a Room for the stream of a name.
func New(deps Deps, stream string, rules Rules) *Room {
	return &Room{Deps: deps, stream: stream, rules: rules}
}

// Rules are the rules that a part of the stream is mapped by.
type Rules struct {
	desk.ChosenRules
	desk.StreamAccounts
	// Note is what the person should know of the choice besides, as a warning;
	// mostly empty.
	Note string
}

// ChooseRules chooses the rules: those that the workers registered last, or the
// file when it is named and leaves the registered rule sets as they are. otherwise
// is taken when the ledger has none and no file is named; off are accounts that a
// person names as off at the workers. The errors are those of desk.ChooseRules and
// desk.StreamAccounts.
func ChooseRules(ctx context.Context, d *desk.Desk, reader desk.RuleReader, want desk.RuleChoice, otherwise desk.ChosenRules, off []string) (r Rules, err error) {
	switch r.ChosenRules, err = d.ChooseRules(ctx, reader, want); {
	case errors.Is(err, desk.ErrNoRules):
		r.ChosenRules = otherwise
	case err != nil:
		return r, err
	}
	r.StreamAccounts, err = d.StreamAccounts(ctx, r.Accounts, off)
	return r, err
}

// Mapping maps the stream's events: those for an account that is off become rejects.
func (r *Rules) Mapping() *rules.Rules {
	return r.Rules.WithAccountsOn(func(account string) bool { return slices.Contains(r.On, account) })
}

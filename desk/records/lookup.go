package records

import (
	"context"
	"slices"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/evidence"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// Account is a vendor account as it is configured where the person looks from.
type Account struct {
	Name string
	// Kind is shown, and decides nothing here.
	Kind string
	// Off is why no call is made to it; empty when it is on.
	Off string
	// Reads: vendors of the kind offer calls that read. IDsOnly: they know no
	// scanned codes.
	Reads, IDsOnly bool
	// AnyIDs: the vendor's ids of members may look like anything, so that a number may be
	// a scanned code (a mobile number) and a word an id.
	AnyIDs bool
	// Verifies: what is in doubt is looked up before it is sent again.
	Verifies bool
	// PerSecond is the account's rate of reading records; 0 is no limit.
	PerSecond int
	Beliefs   evidence.Beliefs
}

// Reader is a vendor whose records can be read. What it tells of members beside
// (vendorapi.MemberReader, Resolver, BalanceReader) it is asked for.
type Reader interface {
	vendorapi.RecordReader
	vendorapi.Endpointed
	vendorapi.Closer
}

// Opener opens the readers of accounts that are on and whose kind reads.
type Opener interface {
	// OpenReader opens an account by its name. The caller closes the reader.
	OpenReader(account string) (Reader, error)
}

// Lookup answers from the ledger and the vendors' records. It changes nothing,
// here or there. It is safe for concurrent use.
type Lookup struct {
	desk     *desk.Desk
	book     *ledger.Store
	accounts []Account
	opener   Opener
	names    wording.Names
}

// New makes a Lookup over the accounts that are configured here, whose words call
// steps and settings by these names.
func New(d *desk.Desk, book *ledger.Store, accounts []Account, opener Opener, names wording.Names) *Lookup {
	return &Lookup{desk: d, book: book, accounts: accounts, opener: opener, names: names}
}

// account finds an account by its name; found is false for one that is not
// configured here.
func (l *Lookup) account(name string) (_ Account, found bool) {
	at := slices.IndexFunc(l.accounts, func(a Account) bool { return a.Name == name })
	if at < 0 {
		return Account{Name: name}, false
	}
	return l.accounts[at], true
}

// memberTimeout bounds all calls about one member.
const memberTimeout = time.Minute

// memberReading is what a worker would judge a member's operations by now.
type memberReading struct {
	evidence.Reading
	known evidence.Knowledge
	// frozen: the vendor says that the member's account is frozen, so that points for
	// it are refused. It is false also when that could not be read.
	frozen bool
}

// readRecords reads a member's records, with what is known of the account before
// that, and then who the member is.
func (l *Lookup) readRecords(ctx context.Context, a *Account, from Reader, memberID string) (memberReading, vendorapi.Reply) {
	k, err := l.desk.Endpoints().Knowledge(ctx, a.Name, from.Endpoint())
	if err != nil {
		return memberReading{}, vendorapi.Reply{Outcome: vendorapi.Unknown, Err: err}
	}
	reading, reply := from.ReadRecords(ctx, memberID)
	reading.BeganAt = k.Now
	read := memberReading{Reading: reading, known: evidence.KnowledgeOf(k, a.Beliefs)}
	if reply.Outcome != vendorapi.Applied {
		return read, reply
	}
	switch from := from.(type) {
	case vendorapi.MemberReader:
		if member, who := from.MemberByID(ctx, memberID); who.Outcome == vendorapi.Applied && member.ID == memberID {
			read.Balance, read.frozen = member.Points, member.Frozen
		}
	case vendorapi.BalanceReader:
		read.Balance, _ = from.ReadBalance(ctx, memberID)
	}
	return read, reply
}

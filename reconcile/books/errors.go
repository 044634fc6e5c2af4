package books

import "errors"

var (
	// ErrNobody is returned by [Books.Statement] when no operation names the member.
	ErrNobody = errors.New("no operation names this member")
	// ErrNoAccount is returned when a question names an account of which there is no
	// operation: nothing that was booked there would look like books that are empty.
	ErrNoAccount = errors.New("the ledger has no operation of this account")
	// ErrMayNotSeeMembers is returned when a question asks for member ids as they are
	// and the session's user is not in the role [MembersRole], or there is no such role.
	ErrMayNotSeeMembers = errors.New("this user may not see member ids as they are")
)

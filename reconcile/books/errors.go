package books

import "errors"

var (
	// ErrNobody is returned by [Books.Statement] when no operation names the member.
	ErrNobody = errors.New("no operation names this member")
	// ErrMayNotSeeMembers is returned when a question asks for member ids as they are
	// and the session's user is not in the role [MembersRole], or there is no such role.
	ErrMayNotSeeMembers = errors.New("this user may not see member ids as they are")
)

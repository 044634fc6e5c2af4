// Package cloudevent reads the bytes and headers of a message as one CloudEvent, before
// any rule is asked: what its envelope says, which fields its data has, and what of
// it may be stored and shown.
//
//	bytes, headers ─▶ UTF-8 ─▶ one pass over the JSON ─▶ attributes, fields of data and of data.member
//	        └────────────┴───────────────┴──────────────────▶ a reason, with its code
//
// [Event.Read] goes as far as every event is alike. What a type's fields hold is
// asked of them by package rules, which knows the type.
//
// # Invariants this package holds
//
//   - Whatever the bytes are, Read ends, with or without a rejection, and never panics
//     (FuzzDecode of package rules). It is one pass, of bounded depth and size.
//   - The payload is not changed, and what is read of it are parts of it: an [Event]
//     is good until the next Reset, and as long as the payload.
//   - One event is the same in structured and in binary mode (TestBinaryMode), and what
//     is published again from its stored form (TestLine).
//   - No password is stored: it is found wherever it stands, also in what is no JSON
//     (TestRedactNeedsNoValidJSON), and masked. A field for one that is empty is none
//     (TestNoPasswordIsNone).
//   - What a reason quotes is short, and can be stored and printed
//     (TestRejectKeepsWhatIsKnownStorable).
//
// # What happens on failure
//
// Nothing here fails for a moment and works later: a message that is no CloudEvent is
// a [pointsledger/ledger.Rejection], with a code and with words for its publisher,
// and with the envelope as far as it could be read.
package cloudevent

package survey

import "pointsledger/ledger"

// Message is one message of the stream, and what the ledger knows of it.
type Message struct {
	// Entry is what would be recorded of it. Of an Ignored one it has Message.Seq alone.
	Entry   ledger.Entry
	Ignored bool
	// Verdict is what recording it would say: Accepted means that the ledger lacks it.
	Verdict ledger.Verdict
}

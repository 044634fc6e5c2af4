package records

import "fmt"

// NobodyError is returned when neither the ledger nor a vendor knows the member
// that was asked for.
type NobodyError struct {
	// AskedFor is the text that was asked for, masked.
	AskedFor string
	// Said is what each account's vendor said.
	Said []string
}

func (e *NobodyError) Error() string { return fmt.Sprintf("nobody is known as %s", e.AskedFor) }

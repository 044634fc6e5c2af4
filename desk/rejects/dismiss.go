package rejects

import (
	"context"

	"pointsledger/desk"
)

// Dismissable is what dismissing a filter's rejects would dismiss.
type Dismissable struct {
	Rejects int64            `json:"rejects"`
	Codes   []desk.RetryCode `json:"by_code"`
	// Command does it, as a terminal words it: whoever has one fills it in. Empty
	// when nothing fits.
	Command string `json:"command"`
}

// PreviewDismissal says what dismissing would dismiss, and changes nothing.
func PreviewDismissal(ctx context.Context, d *desk.Desk, filter desk.RejectFilter) (Dismissable, error) {
	codes, err := d.RejectCodes(ctx, filter)
	if err != nil {
		return Dismissable{}, err
	}
	p := Dismissable{Codes: maskedCodes(codes)}
	for _, code := range codes {
		p.Rejects += code.Count
	}
	return p, nil
}

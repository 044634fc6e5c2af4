package overview

import (
	"context"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
)

// ActLog is a page of what people did, the newest first; masked.
type ActLog struct {
	Acts []desk.RecordedAct `json:"actions"`
	More bool               `json:"more"`
	// After is the place where the next page begins, 0 when this is the last.
	After int64 `json:"after"`
	// Names are the kinds of acts that were ever recorded, read when nothing fits.
	Names []string `json:"-"`
}

// Acts reads what people did.
func Acts(ctx context.Context, d *desk.Desk, f desk.ActFilter) (ActLog, error) {
	l := ActLog{Acts: []desk.RecordedAct{}}
	found, more, err := d.ListActs(ctx, f)
	if err != nil {
		return l, err
	}
	l.More = more
	for _, a := range found {
		a.Actor, a.Reason, a.Filter, a.Result = privacy.Mobiles(a.Actor), privacy.Mobiles(a.Reason), privacy.Mobiles(a.Filter), privacy.Mobiles(a.Result)
		l.Acts = append(l.Acts, a)
	}
	switch {
	case len(found) == 0:
		l.Names, err = d.ActNames(ctx)
	case more:
		l.After = found[len(found)-1].ID
	}
	return l, err
}

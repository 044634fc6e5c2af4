package carry

import (
	"testing"

	"pointsledger/desk"
	"pointsledger/ledger"
)

// What is in doubt is looked up in the records first where it is a grant, and nowhere else.
func TestPreviewLooksUpGrantsAlone(t *testing.T) {
	t.Parallel()
	grant, take := desk.ReplayGroup{Account: "shop", Kind: ledger.PointsAdd}, desk.ReplayGroup{Account: "shop", Kind: ledger.PointsDeduct}
	grant.DoubtGoes, take.DoubtGoes = 3, 5
	p := PutBackPreview{Groups: []desk.ReplayGroup{grant, take}}
	p.sortOut([]Account{{KeyMemory: desk.KeyMemory{Account: "shop"}, Verifies: true}})
	if p.LookedUpFirst != 3 || p.SentUnasked != 5 {
		t.Errorf("looked up first %d, sent unasked %d", p.LookedUpFirst, p.SentUnasked)
	}
}

package match

import "fmt"

// balance compares the member's balance with what the records lead to. Points that the
// balance has and no record shows are explained by what was posted and has no record: then
// the record is missing, and not the points.
func (c *comparing) balance() {
	if c.Balance == nil || c.Told == nil {
		return
	}
	c.out.Balances++
	more := *c.Balance - *c.Told
	if more == 0 {
		return
	}
	var missing, late int64
	for i := range c.out.Items {
		switch it := &c.out.Items[i]; {
		case it.Kind == OnlyInLedger:
			missing += it.LedgerPoints
		case it.Kind == InTransit && it.VendorPoints == 0:
			late += it.LedgerPoints
		}
	}
	switch more {
	case missing, missing + late:
		for i := range c.out.Items {
			if it := &c.out.Items[i]; it.Kind == OnlyInLedger {
				it.Evidence += fmt.Sprintf("; the balance of %d has %d points that no record shows, and so these: the record is missing, and not the points", *c.Balance, more)
			}
		}
		return
	case late:
		return
	}
	it := Item{Kind: BalanceDiffers, Account: c.Account, MemberID: c.ID, Step: StepAskVendor, LedgerPoints: *c.Told, VendorPoints: *c.Balance, At: c.ReadAt,
		Evidence: fmt.Sprintf("the balance is %d points, and the records lead to %d: neither they nor what is missing explain %d", *c.Balance, *c.Told, more)}
	it.Key = c.key(&it, nil)
	c.out.Items = append(c.out.Items, it)
}

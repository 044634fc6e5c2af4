package match

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
)

// key is the same for the same difference in every run: it is made of what differs, and
// of nothing that a run numbers by itself.
func (c *comparing) key(it *Item, records []int) string {
	parts := make([]string, 0, len(it.names)+len(records))
	for _, name := range it.names {
		parts = append(parts, "operation "+name)
	}
	for _, i := range records {
		r := &c.Records[i]
		at := int64(0)
		if !r.At.IsZero() {
			at = r.At.Unix()
		}
		parts = append(parts, fmt.Sprintf("record %d %d %q", r.Points, at, r.Text))
	}
	slices.Sort(parts)
	ledger, vendor := it.LedgerPoints, it.VendorPoints
	if it.Kind == BalanceDiffers { // both go on; what is between them stays
		ledger, vendor = 0, vendor-ledger
	}
	sum := sha256.Sum256([]byte(strings.Join(append([]string{string(it.Kind), it.Account, it.MemberID, fmt.Sprint(ledger), fmt.Sprint(vendor)}, parts...), "\n")))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15]))
}

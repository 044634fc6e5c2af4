package accounts

import (
	"pointsledger/dispatch"
	"pointsledger/evidence"
	"pointsledger/internal/config"
	"pointsledger/reconcile/runs"
	"pointsledger/vendorapi"
)

// ForReconcile are the configured accounts as a comparison with their records needs them.
// ask: their vendors are asked; otherwise none is opened. The caller closes them.
func ForReconcile(cfg *config.Config, ask bool) (all []runs.Account, closeAll func(), err error) {
	var open []vendorapi.Closer
	closeAll = func() {
		for _, client := range open {
			client.Close()
		}
	}
	for _, v := range cfg.Accounts {
		a := runs.Account{Name: v.Name, RecordsPerSecond: float64(v.RateOf(dispatch.CallRecords)), MembersPerSecond: float64(v.RateOf(dispatch.CallMember)),
			OneRate: v.RatePerSecond > 0, Beliefs: evidence.Beliefs{QuietAfter: v.QuietAfter, ClockSkew: v.ClockSkew, VerifyAfter: v.VerifyAfter}}
		switch {
		case !v.Reads || !ask:
		case !v.On():
			a.Off = v.OffBecause()
		default:
			made, err := New(v)
			if err != nil {
				closeAll()
				return nil, nil, err
			}
			if client, holds := made.Vendor.(vendorapi.Closer); holds {
				open = append(open, client)
			}
			a.Reader, _ = made.Vendor.(runs.Reader)
		}
		all = append(all, a)
	}
	return all, closeAll, nil
}

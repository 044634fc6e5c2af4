package accounts

import (
	"fmt"

	"pointsledger/dispatch"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// New makes the dispatcher's account, with its client, of a configured vendor
// that is on.
func New(v config.Account) (dispatch.Account, error) {
	a := dispatch.Account{
		Name: v.Name, Calls: v.Calls, Concurrency: v.Concurrency, RatePerSecond: float64(v.RatePerSecond), FreshShare: v.FreshShare, Timeout: v.Timeout,
		Lease: v.Lease, Schedule: v.Schedule, GiveUpAfter: v.GiveUpAfter, KeyMemory: v.KeyMemory, ProbeEvery: v.ProbeEvery,
		Verify: v.InDoubt == config.InDoubtVerify, VerifyAfter: v.VerifyAfter,
		KeysHonoured: v.KeysHonoured, QuietAfter: v.QuietAfter, ClockSkew: v.ClockSkew, CodeMaxAge: v.CodeMaxAge,
	}
	if len(v.Rates) > 0 {
		a.Rates = make(map[string]float64, len(v.Rates))
		for call, rate := range v.Rates {
			a.Rates[call] = float64(rate)
		}
	}
	if v.SampleEvery > 0 {
		a.Sampling = dispatch.SampleEvery(v.SampleEvery)
	}
	var err error
	if a.Vendor, err = Open(v); err != nil {
		return a, fmt.Errorf("vendor account %s: %w", v.Name, err)
	}
	return a, nil
}

// Open makes the client of a configured vendor that is on. The caller closes it,
// where it is a vendorapi.Closer, or the process ends.
func Open(v config.Account) (vendorapi.Sender, error) {
	if v.Settings == nil {
		return nil, fmt.Errorf("unknown kind %q", v.Kind)
	}
	return v.Settings.Open(v.URL, vendorapi.HTTPConfig{ConnectTimeout: v.ConnectTimeout, Timeout: v.Timeout, MaxConns: v.Concurrency})
}

// unresolved stands in a preview for a member of whom only a scanned code is known.
const unresolved = "(resolved from the scanned code before the first send)"

// Preview shows the request that a worker would make of a call at an account,
// with secrets masked, also at one that is off. shape is the one that the
// operation was tried in, empty when it was not.
func Preview(v config.Account, call ledger.VendorCall, shape string) vendorapi.Preview {
	if call.MemberID == "" {
		call.MemberID = unresolved
	}
	return v.Settings.Preview(v.URL, &call, shape)
}

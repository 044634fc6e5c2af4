package accounts

import (
	"fmt"

	"pointsledger/desk/records"
	"pointsledger/dispatch"
	"pointsledger/evidence"
	"pointsledger/internal/config"
)

// ForRecords are the configured accounts as a look at records needs them.
func ForRecords(cfg *config.Config) []records.Account {
	all := make([]records.Account, len(cfg.Accounts))
	for i, v := range cfg.Accounts {
		all[i] = records.Account{Name: v.Name, Kind: v.Kind, Off: v.OffBecause(), Reads: v.Reads,
			IDsOnly: !v.Resolves && !v.AnyMemberID, AnyIDs: v.AnyMemberID, Verifies: v.InDoubt == config.InDoubtVerify, PerSecond: v.RateOf(dispatch.CallRecords),
			Beliefs: evidence.Beliefs{QuietAfter: v.QuietAfter, ClockSkew: v.ClockSkew, VerifyAfter: v.VerifyAfter}}
	}
	return all
}

// Readers opens readers of the accounts of a configuration.
type Readers struct{ Config *config.Config }

// OpenReader implements records.Opener.
func (r Readers) OpenReader(account string) (records.Reader, error) {
	v, found := r.Config.Account(account)
	if !found {
		return nil, fmt.Errorf("vendor account %s: not configured", account)
	}
	made, err := New(v)
	if err != nil {
		return nil, err
	}
	reader, reads := made.Vendor.(records.Reader)
	if !reads {
		return nil, fmt.Errorf("vendor account %s: it offers no call that reads records", account)
	}
	return reader, nil
}

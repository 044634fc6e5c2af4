package accounts

import (
	"time"

	"pointsledger/desk"
	"pointsledger/desk/carry"
	"pointsledger/desk/overview"
	"pointsledger/internal/config"
)

// ForOverview are the configured accounts as an overview needs them.
func ForOverview(cfg *config.Config) []overview.Configured {
	all := make([]overview.Configured, len(cfg.Accounts))
	for i, v := range cfg.Accounts {
		all[i] = overview.Configured{Name: v.Name, Verifies: v.InDoubt == config.InDoubtVerify, Endpoint: Endpoint(v), RatePerSecond: v.OperationRate()}
	}
	return all
}

// KeyMemories are the accounts' key memories as the worker's claim sees them: what
// is claimed may be sent as late as its lease ends.
func KeyMemories(cfg *config.Config) []desk.KeyMemory {
	memories := make([]desk.KeyMemory, len(cfg.Accounts))
	for i, v := range cfg.Accounts {
		memories[i] = desk.KeyMemory{Account: v.Name, Memory: v.KeyMemory - v.Lease}
		if v.InDoubt == config.InDoubtVerify {
			// The worker looks such rows up before it sends them, at any age.
			memories[i].Memory = 100 * 365 * 24 * time.Hour
		}
	}
	return memories
}

// ForCarry are the configured accounts as carrying out a plan needs them.
func ForCarry(cfg *config.Config) []carry.Account {
	all := make([]carry.Account, len(cfg.Accounts))
	for i, memory := range KeyMemories(cfg) {
		v := cfg.Accounts[i]
		all[i] = carry.Account{KeyMemory: memory, CodeMaxAge: v.CodeMaxAge, RatePerSecond: v.OperationRate(), Verifies: v.InDoubt == config.InDoubtVerify}
	}
	return all
}

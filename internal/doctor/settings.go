package doctor

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"pointsledger/internal/config"
	"pointsledger/vendorapi/wire"
)

// checkConfig reports what the configuration itself says: it is readable, or
// doctor would not have come here.
func (d *Examination) checkConfig() {
	d.ok("configuration", fmt.Sprintf("readable; rules %s (%s)", d.config.RulesVersion, d.config.RulesFrom))
	for _, warning := range d.config.Warnings {
		d.note("configuration", warning, "see `worker config`")
	}
	on := 0
	for _, v := range d.config.Accounts {
		if v.On() {
			on++
			continue
		}
		d.note("account "+v.Name, "off: "+v.OffBecause(), "set it, or leave the account out of the rules; its operations wait until it is on")
	}
	if on == 0 {
		d.wrong("accounts", "no vendor account is on", "set a url and credentials, or rehearse against `worker simulate`")
	}
}

// secretsOf are the values that must not be shown, whatever a server answers.
func secretsOf(cfg *config.Config) wire.Secrets {
	var values []string
	for _, v := range cfg.Accounts {
		for _, secret := range v.Settings.Secrets() {
			values = append(values, secret.Reveal())
		}
	}
	if database, err := pgx.ParseConfig(cfg.DatabaseURL.Reveal()); err == nil && cfg.DatabaseURL != "" {
		values = append(values, database.Password)
	}
	for server := range strings.SplitSeq(cfg.NATS.URL.Reveal(), ",") {
		_, rest, found := strings.Cut(server, "://")
		if at := strings.LastIndex(rest, "@"); found && at >= 0 {
			_, password, both := strings.Cut(rest[:at], ":")
			if !both {
				password = rest[:at] // a lone name is a token
			}
			values = append(values, password)
		}
	}
	return wire.NewSecrets(values...)
}

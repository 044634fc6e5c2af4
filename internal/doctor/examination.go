package doctor

import (
	"context"
	"time"

	"pointsledger/consumers"
	"pointsledger/internal/config"
	"pointsledger/vendorapi/wire"
)

// lookTime bounds each look at a server.
const lookTime = 10 * time.Second

// Verdict is how a check ended.
type Verdict string

const (
	// OK is well, Note works but should be looked at.
	OK    Verdict = "ok"
	Note  Verdict = "warning"
	Wrong Verdict = "wrong"
)

// Line is what one check found, and what to do about it.
type Line struct {
	Check   string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	Found   string  `json:"found"`
	Do      string  `json:"do,omitempty"`
}

// Report is all that was found. No text in it shows a secret.
type Report struct {
	Checks   []Line `json:"checks"`
	Warnings int    `json:"warnings"`
	Wrong    int    `json:"wrong"`
	// Live is what the live check learned, nil without one.
	Live *Learned `json:"live,omitempty"`
}

// Worker is what a worker of this configuration asks of its servers.
type Worker struct {
	// Connections is how many it opens to Postgres, and KeeperConnections how many
	// its keeper has besides.
	Connections, KeeperConnections int
	// Called are the intake's settings as a person knows them.
	Called consumers.Called
}

// Examination collects what is found. Every text goes through the secrets.
type Examination struct {
	Report

	config  *config.Config
	worker  Worker
	secrets wire.Secrets
	ledger  *openLedger // nil when it cannot be used
	// signed names the accounts whose signature is accepted.
	signed map[string]bool
}

// New begins an examination, which ends with Close.
func New(cfg *config.Config, worker Worker) *Examination {
	return &Examination{config: cfg, worker: worker, secrets: secretsOf(cfg), signed: map[string]bool{}}
}

// Look looks at the configuration, the servers and the accounts that are on. It
// changes nothing.
func (d *Examination) Look(ctx context.Context) {
	d.checkConfig()
	d.checkPostgres(ctx)
	d.checkNATS(ctx)
	for _, v := range d.config.Accounts {
		if v.On() {
			d.checkAccount(ctx, v)
		}
	}
}

// Close ends the connections.
func (d *Examination) Close() {
	if d.ledger != nil {
		d.ledger.pool.Close()
	}
}

func (d *Examination) add(v Verdict, check, found, do string) {
	switch v {
	case Note:
		d.Warnings++
	case Wrong:
		d.Wrong++
	}
	d.Checks = append(d.Checks, Line{check, v, d.secrets.Words(found), d.secrets.Words(do)})
}

func (d *Examination) ok(check, found string)        { d.add(OK, check, found, "") }
func (d *Examination) note(check, found, do string)  { d.add(Note, check, found, do) }
func (d *Examination) wrong(check, found, do string) { d.add(Wrong, check, found, do) }

// within runs a look at a server with its time limit.
func within(ctx context.Context, look func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	return look(ctx)
}

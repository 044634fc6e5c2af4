package config

import (
	"fmt"
	"slices"
	"time"

	"pointsledger/ledger"
	"pointsledger/rules"
	"pointsledger/vendorapi"
)

// Config is the effective configuration. It can be printed and marshalled:
// secrets are masked (Secret, DatabaseURL, NATSURL).
type Config struct {
	NATS NATS
	// DatabaseURL is where the ledger lives (DATABASE_URL), a Postgres URL or
	// keyword string. No default; empty is allowed here because commands such
	// as explain need none (see ReadyToRun).
	DatabaseURL DatabaseURL
	// HTTPAddr is where /healthz, /readyz and /metrics are served
	// (WORKER_HTTP_ADDR, default 127.0.0.1:8080). Wider than the loopback shows
	// the metrics to whoever can reach it.
	HTTPAddr string
	// PProf serves Go's profiles at HTTPAddr under /debug/pprof (WORKER_PPROF, 0
	// or 1, default 0). They show the program's inner state and cost time while
	// they are taken, so they are there only when asked for.
	PProf bool
	// LogLevel is debug, info, warn or error (WORKER_LOG_LEVEL, default info).
	LogLevel string
	// Drain is how long a stopping worker may finish its batch and its sends
	// (WORKER_DRAIN, default 25s, 1s to 10m). Not above the longest vendor
	// timeout and sends are cut off, which leaves rows in doubt; keep it below
	// the time after which the supervisor kills.
	Drain time.Duration
	// SealEvery is how often a worker seals what was recorded (WORKER_SEAL_EVERY,
	// default 1m, 5s to 5m). Too high and what was edited before it is sealed is known
	// by recomputation alone; too low and there are batches of a few rows.
	SealEvery time.Duration
	// Rules is the compiled rule part of the file.
	Rules *rules.Rules
	// RulesText is the file as it was read, for the table mappings.
	RulesText []byte
	// RulesVersion is the first 12 hex digits of the SHA-256 of RulesText.
	RulesVersion string
	// RulesFrom is the file's path, or "built-in default".
	RulesFrom string
	// older are the built-in rules of before; nil with a file of one's own.
	older []builtInRules
	// Accounts holds them in the order of the file, also those that are
	// off (Account.On).
	Accounts []Account
	// Settings lists every value with where it came from, masked.
	Settings []Setting
	// Warnings are things that are legal and probably not meant, such as an
	// unknown variable ZHIMAI_OPENKEY.
	Warnings []string
}

// NATS says where events come from and how many are taken at once.
type NATS struct {
	// URL is one server or several with commas between (NATS_URL, default
	// nats://127.0.0.1:4222).
	URL NATSURL
	// CredsFile is the path of a .creds file (NATS_CREDS). Empty is none.
	CredsFile string
	// Stream is the stream's name (NATS_STREAM, default POINTS).
	Stream string
	// Durable is the pull consumer's name (NATS_DURABLE, default
	// points-worker). A new name starts from the stream's first message; the
	// ledger then counts all of them as duplicates.
	Durable string
	// FirstStart is the creation time, to the second, of the stream that a ledger
	// which was never used may begin with, although the stream holds events and
	// has no durable (WORKER_FIRST_START, RFC 3339; zero, the default: none). The
	// worker's refusal names the value. It lets in this one stream, and only for
	// an empty ledger, so it may stay set.
	FirstStart time.Time
	// Batch is the most messages in one fetch and one transaction
	// (WORKER_BATCH, default 1000, 1 to 1000). Low costs a commit for every few
	// events; above 1000 a single bad event makes too much work to be split off.
	Batch int
	// BatchesInFlight is how many batches are written at once, each while one
	// more is fetched (WORKER_BATCHES_IN_FLIGHT, default 1, 1 to 8). With 1, one
	// worker records in the stream's order, so that of two events that contradict
	// each other the first published wins; with more, or with several workers,
	// either may. More use a slow database better.
	BatchesInFlight int
	// AckWait is how long the broker waits for an ack before it delivers again
	// (WORKER_ACK_WAIT, default 30s, 1s to 10m). Too low and slow batches are
	// delivered twice (harmless but wasted); too high and a crashed worker's
	// messages rest that long. It must exceed BatchesInFlight × BatchTime, so
	// that batches which are written at once and slow each other down come
	// through. A batch that waits its turn needs no more: until it is written,
	// the broker is told four times in each ack wait that it is in hand.
	AckWait time.Duration
	// BatchTime is the deadline of one try to write a batch
	// (WORKER_BATCH_TIME, default 10s, 1s to 5m). Too low and a loaded database
	// never gets a batch through; too high forces a long AckWait.
	BatchTime time.Duration
}

// What is done with a call that the vendor may have applied without our knowing.
const (
	// InDoubtVerify reads the member's records first (Zhimai's default).
	InDoubtVerify = "verify"
	// InDoubtResend sends the same key again while the vendor remembers it
	// (Kylin's default: its page promises idempotency and offers no records).
	InDoubtResend = "resend"
)

// Whether a vendor applies a repeated dedup key once.
const (
	// KeysHonoured: it promises so (Kylin's default).
	KeysHonoured = "honoured"
	// KeysUnknown: nobody has said (Zhimai's default).
	KeysUnknown = "unknown"
)

// Account is one vendor account.
type Account struct {
	// Name is the account of operations, for ever: it is part of every key.
	Name string
	// Kind is a name in the table of kinds (vendorapi/kinds).
	Kind string
	// Calls are the operations that it takes.
	Calls []ledger.Kind
	// Reads: it has records of a member that can be read.
	Reads bool
	// Resolves: it tells whose a scanned member code is.
	Resolves bool
	// AnyMemberID: its vendor's ids of members may look like anything.
	AnyMemberID bool
	// Settings are what only this kind has. nil when something is wrong with it.
	Settings vendorapi.Settings
	// URL is the endpoint: the whole address (Zhimai), or the base to which the
	// call's path is appended, without a slash at the end (Kylin).
	URL string
	// Timeout is one call's time in all, connecting included (default 10s,
	// 100ms to 2m). Too low turns slow successes into doubt; too high lets a
	// hanging vendor hold its senders.
	Timeout time.Duration
	// ConnectTimeout is the part of Timeout for reaching the vendor (default
	// 3s). A call that ends here was not sent, so low is safe; too low fails on
	// a slow TLS handshake.
	ConnectTimeout time.Duration
	// Concurrency is how many calls run at once (default 64, 1 to 1024). Too
	// low caps the rate at Concurrency ÷ answer time; too high gets throttled.
	Concurrency int
	// RatePerSecond caps the calls that start in a second, of whatever kind; 0
	// (default) is no cap.
	RatePerSecond int
	// Rates caps them by call: the kind of an operation, dispatch.CallRecords and
	// dispatch.CallMember; what is not there has no cap. Not beside RatePerSecond.
	// The built-in file caps Zhimai's at 10 each, which is what is publicly known.
	// ZHIMAI_RATE and KYLIN_RATE go before both. Too low and a backlog drains
	// slowly; above what the vendor allows and it throttles.
	Rates map[string]int
	// FreshShare is the share of each lane's places that events younger than a
	// minute have where the calls of operations have a rate (default 0.5, 0 to 1).
	// Too low: who stands at the till waits behind a backlog; too high: the
	// backlog waits for quiet hours.
	FreshShare float64
	// Lease is how long a claimed row belongs to its sender without renewal
	// (default 30s, up to 30m). It must exceed Timeout + dispatch.SettleAllowance, or a row is
	// claimed by another while its call still runs; too high and a crashed
	// worker's rows rest that long.
	Lease time.Duration
	// Schedule is the wait before each further attempt; its last entry repeats
	// until GiveUpAfter. Default 500ms 1s 2s 5s 15s 1m 5m 15m 30m 1h. Short
	// waits press a vendor in trouble; long ones delay points after a blip.
	Schedule []time.Duration
	// GiveUpAfter is how far the waits of Schedule reach before a row is
	// parked: attempts are made as long as their waits, added up, fit into it
	// (default 24h, 1m to 30 days). Time with a closed gate does not count. Too
	// low parks rows over an outage that ends by itself; too high hides trouble.
	GiveUpAfter time.Duration
	// InDoubt says what is done when the vendor may have applied a call
	// without our knowing: verify or resend.
	InDoubt string
	// VerifyAfter is how long after a call's deadline its effect shows in the
	// member's records at the latest (default 5s, 0s to 10m). Too low and an
	// effect that shows later is missed and granted twice; too high delays what
	// was in doubt.
	VerifyAfter time.Duration
	// CodeMaxAge is how old a scanned member code may be when its member is asked
	// for, counted from the event's time (default 24h, 1s to 30 days; 0 for a kind
	// that resolves none). Codes rotate: too high and it may be another member's by
	// then; too low and an outage parks what could still be resolved.
	CodeMaxAge time.Duration
	// KeysHonoured (keys: honoured) says that the vendor promises to apply a
	// repeated dedup key once, for KeyMemory. Kylin's page does (default), Zhimai's
	// does not say (keys: unknown): then what is in doubt is sent again only when
	// the records prove it absent, or a repeat was seen to be recognised. Wrongly
	// honoured and points are granted twice; wrongly unknown and doubt waits for
	// a person.
	KeysHonoured bool
	// QuietAfter is how long after a call an account without traffic is taken to
	// show it in its records, on top of three times the longest lag seen (default
	// 10m, 1s to 24h). Too low and an effect that shows later is granted twice;
	// too high and the last doubt of an evening waits.
	QuietAfter time.Duration
	// SampleEvery is how often the records of a posting are read to learn what they
	// show, while there are postings (default 1m, 1s to 1h); below a minute all
	// that sampling waits for is shorter in proportion. Too low and the vendor gets calls for
	// nothing; too high and habits that change are noticed late.
	SampleEvery time.Duration
	// ClockSkew is how far the vendor's clock may be from the database's, once
	// the zone of its records is learned (default 2m, 1s to 1h). Too low and our
	// own record is taken for older than its call, and granted again; too high
	// and short histories prove nothing.
	ClockSkew time.Duration
	// ProbeEvery is the pause between probes while the gate is closed for
	// suspicious refusals (default 1m, 1s to 1h). A probe is one real call. Too
	// low presses a vendor that refuses us; too high delays the queue by up to
	// that long after the right key is in place.
	ProbeEvery time.Duration
	// KeyMemory is how long the vendor is assumed to remember a dedup key
	// (default 24h, up to 10 years). The pages give no number. Too high and a
	// late resend is applied a second time; too low parks rows for a person.
	// It must exceed Timeout + Lease.
	KeyMemory time.Duration
	// ReasonMaxChars is the most characters of the text the member sees
	// (default 50 at Zhimai, 255 at Kylin; 20 to 255). Below 20 the reference
	// has no room; above the vendor's limit calls are refused.
	ReasonMaxChars int

	offBecause string
}

// On says whether calls can be made: url and credentials are there.
func (v Account) On() bool { return v.offBecause == "" }

// OffBecause says what is missing ("ZHIMAI_OPEN_KEY is not set"), empty when
// the account is on.
func (v Account) OffBecause() string { return v.offBecause }

// Account finds an account by name.
func (c *Config) Account(name string) (Account, bool) {
	for _, v := range c.Accounts {
		if v.Name == name {
			return v, true
		}
	}
	return Account{}, false
}

// On are the vendor accounts that are on.
func (c *Config) On() []Account {
	return slices.DeleteFunc(slices.Clone(c.Accounts), func(v Account) bool { return !v.On() })
}

// ReadyToRun says what `worker run` is still missing: a vendor account that is
// on, and a database unless the embedded one is used. The answer is an *Error.
func (c *Config) ReadyToRun(embedded bool) error {
	var p problems
	if !embedded && c.DatabaseURL == "" {
		p.addf("DATABASE_URL", "not set; want a Postgres URL such as postgres://ledger@db/points, or start with --embedded")
	}
	on := false
	for _, v := range c.Accounts {
		on = on || v.On()
	}
	if !on {
		off := ""
		for _, v := range c.Accounts {
			off += fmt.Sprintf("\n%s is off: %s", v.Name, v.offBecause)
		}
		p.addf("vendors", "no account is on; set a url and credentials, or rehearse against `worker simulate`%s", off)
	}
	return p.err()
}

// restMargin is added to the longest lease: a worker's clock and the database's
// need not run alike.
const restMargin = 5 * time.Second

// RestAfterLoss is how long rows are left alone after a database was lost: by
// then no worker holds a lease from it, and what was sent under one is visible in
// the vendor's records.
func RestAfterLoss(all []Account) time.Duration {
	rest := restMargin
	for _, v := range all {
		rest = max(rest, v.Lease+max(restMargin, v.VerifyAfter))
	}
	return rest
}

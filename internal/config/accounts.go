package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"pointsledger/dispatch"
	"pointsledger/vendorapi"
)

// maxVendors bounds the accounts: each has its own queue, senders and claim loop.
const maxAccounts = 16

// The defaults of an account. default.yaml shows the same values.
const (
	defaultTimeout        = dispatch.DefaultTimeout
	defaultConnectTimeout = 3 * time.Second
	defaultConcurrency    = dispatch.DefaultConcurrency
	defaultLease          = dispatch.DefaultLease
	defaultGiveUpAfter    = dispatch.DefaultGiveUpAfter
	defaultKeyMemory      = dispatch.DefaultKeyMemory
	defaultProbeEvery     = dispatch.DefaultProbeEvery
	defaultCodeMaxAge     = dispatch.DefaultCodeMaxAge
)

var (
	accountName  = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)
	variableName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)
)

// loadAccounts reads the accounts in the order of the file.
func loadAccounts(e *environment, file parsedFile) []Account {
	name := file.name
	if file.vendorsBuiltIn {
		name = "default.yaml"
	}
	list, ok := file.vendors.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 || len(list.Values) > maxAccounts {
		if file.vendors != nil {
			e.addf(fmt.Sprintf("%s:%d vendors", name, lineOf(file.vendors)), "want a list of 1 to %d accounts", maxAccounts)
		}
		e.knowDefaultAccounts()
		return nil
	}
	var all []Account
	seen, named := map[string]bool{}, anchorsIn(file.vendors)
	for i, node := range list.Values {
		f, ok := newAccountFields(e, file, i, node)
		if !ok {
			continue
		}
		f.anchors = named
		v := loadAccount(f)
		if v.Name != "" && seen[v.Name] {
			f.addf("name", "%q stands twice", v.Name)
		}
		seen[v.Name] = true
		all = append(all, v)
	}
	for _, kind := range e.kinds {
		account, prefix := kind.Name, strings.ToUpper(kind.Name)+"_"
		if !seen[account] && e.get(prefix+"URL") != "" {
			e.warnings = append(e.warnings, fmt.Sprintf("%sURL is set, but the file has no account named %s", prefix, account))
		}
	}
	e.knowDefaultAccounts()
	return all
}

func loadAccount(f *accountFields) Account {
	v := Account{}
	name, _ := f.scalar("name")
	if !accountName.MatchString(name) {
		f.addf("name", "want 1 to 32 of a-z, 0-9, _ and -, a letter first, got %q", name)
	} else {
		v.Name, f.path = name, "vendors."+name
	}
	v.Kind, _ = f.scalar("kind")
	at := slices.IndexFunc(f.e.kinds, func(k vendorapi.Kind) bool { return k.Name == v.Kind })
	if at < 0 {
		f.addf("kind", "want %s, got %q", f.e.kindNames(), v.Kind)
		return v // what else it may hold depends on the kind
	}
	f.note("kind", v.Kind, f.from)
	f.kind, f.own = f.e.kinds[at], v.Name == v.Kind
	v.URL = f.address()
	v.Settings = f.kind.Read(f)
	if s, says := v.Settings.(vendorapi.Offering); says {
		offers := s.Offers()
		f.kind.Calls, f.kind.Records, f.kind.ScannedCodes = offers.Calls, offers.Records, offers.ScannedCodes
		v.AnyMemberID = offers.AnyMemberID
		f.note("calls", orNone(offersInWords(offers)), f.from)
	}
	v.Calls, v.Reads, v.Resolves = f.kind.Calls, f.kind.Records, f.kind.ScannedCodes
	f.delivery(&v)
	f.unknown()
	f.offBecause(&v)
	state := "on"
	if !v.On() {
		state = "off: " + v.offBecause
	}
	f.note("state", state, "derived")
	return v
}

// offersInWords are an account's calls, as a file names them.
func offersInWords(o vendorapi.Offers) string {
	var names []string
	for _, call := range o.Calls {
		names = append(names, string(call))
	}
	if o.Records {
		names = append(names, "records")
	}
	if o.ScannedCodes {
		names = append(names, "member")
	}
	return strings.Join(names, " ")
}

// urlVariable is the variable that overrides the url of a kind's own account.
func (f *accountFields) urlVariable() string {
	if f.own {
		return strings.ToUpper(f.kind.Name) + "_URL"
	}
	return ""
}

// address is the url: from the environment for a kind's own account, then
// from the file.
func (f *accountFields) address() string {
	text, ok := f.scalar("url")
	from, problem := f.given(ok), func(format string, args ...any) { f.addf("url", format, args...) }
	if variable := f.urlVariable(); variable != "" {
		if value := f.e.get(variable); value != "" {
			text, from = value, fromEnvironment
			problem = func(format string, args ...any) { f.e.addf(variable, format, args...) }
		}
	}
	defer func() { f.note("url", orUnset(text), from) }()
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		text = "not a URL"
		problem("want an http or https URL (the value is not shown, it cannot be read)")
		return ""
	case u.User != nil:
		text = "***"
		problem("want a URL without user and password (the value is not shown)")
		return ""
	case u.RawQuery != "" || u.Fragment != "":
		text, _, _ = strings.Cut(text, "?")
		problem("want a URL without query and fragment, got one after %q", text)
		return ""
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Port() != "" && !validPort(u.Port()):
		problem("want an http or https URL, got %q", text)
		return ""
	}
	if f.kind.BaseURL {
		text = strings.TrimRight(text, "/")
	}
	return text
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// delivery reads what is the same for every kind, and checks it in pairs.
func (f *accountFields) delivery(v *Account) {
	v.Timeout = f.duration("timeout", defaultTimeout, 100*time.Millisecond, 2*time.Minute)
	v.ConnectTimeout = f.duration("connect_timeout", min(defaultConnectTimeout, v.Timeout), 50*time.Millisecond, time.Minute)
	v.Concurrency = f.integer("concurrency", defaultConcurrency, 1, 1024)
	v.RatePerSecond, v.Rates = f.rates()
	v.FreshShare = f.share("fresh_share", dispatch.DefaultFreshShare)
	v.Lease = f.duration("lease", defaultLease, time.Second, 30*time.Minute)
	v.Schedule = f.schedule("retry_schedule", dispatch.DefaultSchedule())
	v.GiveUpAfter = f.duration("give_up_after", defaultGiveUpAfter, time.Minute, 30*24*time.Hour)
	v.ProbeEvery = f.duration("probe_every", defaultProbeEvery, time.Second, time.Hour)
	v.KeyMemory = f.duration("key_memory", defaultKeyMemory, time.Second, 10*365*24*time.Hour)
	if f.kind.ScannedCodes {
		v.CodeMaxAge = f.duration("code_max_age", defaultCodeMaxAge, time.Second, 30*24*time.Hour)
	}
	v.ReasonMaxChars = f.integer("reason_max_chars", f.kind.ReasonMaxChars, 20, 255)
	inDoubt := InDoubtResend
	if f.kind.Records {
		inDoubt = InDoubtVerify
	}
	v.InDoubt = f.Text("in_doubt", inDoubt)
	switch {
	case v.InDoubt == InDoubtResend, v.InDoubt == InDoubtVerify && f.kind.Records:
	case v.InDoubt == InDoubtVerify:
		f.addf("in_doubt", "verify: %s offers no records to read; want resend", f.kind.Title)
	default:
		f.addf("in_doubt", "want verify or resend, got %q", v.InDoubt)
	}
	keys := KeysUnknown
	if f.kind.KeysHonoured {
		keys = KeysHonoured
	}
	switch keys = f.Text("keys", keys); keys {
	case KeysHonoured, KeysUnknown:
		v.KeysHonoured = keys == KeysHonoured
	default:
		f.addf("keys", "want honoured or unknown, got %q", keys)
	}
	if f.kind.Records {
		v.QuietAfter = f.duration("quiet_after", dispatch.DefaultQuietAfter, time.Second, 24*time.Hour)
		v.SampleEvery = f.duration("sample_every", dispatch.DefaultSampling().Every, time.Second, time.Hour)
		v.ClockSkew = f.duration("clock_skew", dispatch.DefaultClockSkew, time.Second, time.Hour)
		v.VerifyAfter = f.duration("verify_after", dispatch.DefaultVerifyAfter, 0, 10*time.Minute)
	}
	if v.ConnectTimeout > v.Timeout {
		f.addf("connect_timeout", "want at most the timeout, %s, got %s", v.Timeout, v.ConnectTimeout)
	}
	if least := v.Timeout + dispatch.SettleAllowance; v.Lease <= least {
		f.addf("lease", "want more than timeout + %s for settling = %s, got %s: a row would be claimed again while its call runs", dispatch.SettleAllowance, least, v.Lease)
	}
	if least := v.Timeout + v.Lease; v.KeyMemory <= least {
		f.addf("key_memory", "want more than timeout + lease = %s, got %s: no doubtful call could ever be sent again", least, v.KeyMemory)
	}
	if v.GiveUpAfter <= v.Timeout {
		f.addf("give_up_after", "want more than the timeout, %s, got %s", v.Timeout, v.GiveUpAfter)
	}
}

// unknown names the fields that an account of this kind does not have, and the
// secrets that somebody wrote into the file.
func (f *accountFields) unknown() {
	known := map[string]bool{}
	for _, field := range f.known {
		known[field] = true
	}
	for _, field := range sortedKeys(f.nodes) {
		switch {
		case known[field]:
		case f.e.isSecret(field):
			f.addf(field, "secrets do not stand in this file, it is kept in the database; name an environment variable in %s_env", field)
		default:
			f.addf(field, "not a known field here%s", suggest(field, f.known))
		}
	}
}

// offBecause decides whether calls can be made. The url comes first: without
// it the credentials do not matter.
func (f *accountFields) offBecause(v *Account) {
	v.offBecause = f.off
	if f.off == "" && f.unnamed != "" {
		v.offBecause = "its " + f.unnamed + " names no variable"
	}
	if v.URL == "" {
		v.offBecause = f.path + ".url is not set"
		if variable := f.urlVariable(); variable != "" {
			v.offBecause = variable + " is not set"
		}
	}
	if f.some && v.offBecause != "" {
		f.e.warnings = append(f.e.warnings, fmt.Sprintf("%s has some of its credentials but is off: %s", f.path, v.offBecause))
	}
	if u, err := url.Parse(v.URL); v.On() && err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		f.e.warnings = append(f.e.warnings, fmt.Sprintf("%s.url is http: member ids and points cross the network in clear text", f.path))
	}
}

package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"pointsledger/rules"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/kinds"
)

// Load reads and checks everything. environ is what os.Environ gives: the
// whole list, so that a misspelt name can be warned about. readFile is
// os.ReadFile; it is called for WORKER_CONFIG, NATS_CREDS and the …_FILE
// variants. The error is an *Error that names every bad field.
func Load(environ []string, readFile func(string) ([]byte, error)) (*Config, error) {
	return LoadKinds(kinds.All(), environ, readFile)
}

// LoadKinds is Load with another table of the kinds that an account may be of.
func LoadKinds(table []vendorapi.Kind, environ []string, readFile func(string) ([]byte, error)) (*Config, error) {
	e := newEnvironment(table, environ, readFile)
	c := &Config{NATS: loadNATS(e)}
	c.DatabaseURL = e.databaseURL("DATABASE_URL")
	c.HTTPAddr = e.httpAddr("WORKER_HTTP_ADDR", "127.0.0.1:8080")
	c.PProf = e.oneOf("WORKER_PPROF", "0", "0", "1") == "1"
	c.LogLevel = e.oneOf("WORKER_LOG_LEVEL", "info", "debug", "info", "warn", "error")
	c.Drain = e.duration("WORKER_DRAIN", 25*time.Second, time.Second, 10*time.Minute)
	c.SealEvery = e.duration("WORKER_SEAL_EVERY", time.Minute, 5*time.Second, 5*time.Minute)

	file := loadFile(e, c)
	c.Accounts = loadAccounts(e, file)
	checkPairs(e, c)
	c.Rules = compileRules(e, c, file)
	if c.RulesFrom == builtIn {
		c.older = compileOlderDefaults(e, c)
	}
	e.warnUnknown()

	c.Settings, c.Warnings = e.settings, e.warnings
	if err := e.err(); err != nil {
		return nil, err
	}
	return c, nil
}

func loadNATS(e *environment) NATS {
	var n NATS
	n.URL = e.natsURL("NATS_URL", "nats://127.0.0.1:4222")
	creds, from := e.text("NATS_CREDS", "")
	if creds != "" {
		if _, err := e.readFile(creds); err != nil {
			e.addf("NATS_CREDS", "read %s: %w", creds, pathless(err))
		}
	}
	n.CredsFile = creds
	e.note("NATS_CREDS", orUnset(creds), from)
	n.Stream = e.jetstreamName("NATS_STREAM", "POINTS")
	n.Durable = e.jetstreamName("NATS_DURABLE", "points-worker")
	n.FirstStart = e.moment("WORKER_FIRST_START")
	n.Batch = e.integer("WORKER_BATCH", 1000, 1, 1000)
	n.BatchesInFlight = e.integer("WORKER_BATCHES_IN_FLIGHT", 1, 1, 8)
	n.BatchTime = e.duration("WORKER_BATCH_TIME", 10*time.Second, time.Second, 5*time.Minute)
	n.AckWait = e.duration("WORKER_ACK_WAIT", 30*time.Second, time.Second, 10*time.Minute)
	if least := time.Duration(n.BatchesInFlight) * n.BatchTime; n.AckWait <= least {
		e.addf("WORKER_ACK_WAIT", "want more than WORKER_BATCHES_IN_FLIGHT × WORKER_BATCH_TIME = %s, got %s: messages would be delivered again while they are written", least, n.AckWait)
	}
	return n
}

// What RulesFrom says of the built-in files.
const (
	builtIn       = "built-in default"
	builtInBefore = "built-in default that this ledger began with"
)

// loadFile reads WORKER_CONFIG, or the built-in file. A file without vendors
// gets the built-in accounts.
func loadFile(e *environment, c *Config) parsedFile {
	path, from := e.text("WORKER_CONFIG", "")
	if path == "" {
		e.note("WORKER_CONFIG", "built in", from)
	} else {
		e.note("WORKER_CONFIG", path, from)
	}
	name, text := "default.yaml", DefaultFile()
	c.RulesFrom = builtIn
	if path != "" {
		name, c.RulesFrom = path, path
		var err error
		if text, err = e.readFile(path); err != nil {
			e.addf("WORKER_CONFIG", "read %s: %w", path, pathless(err))
			name, text = "default.yaml", DefaultFile() // so that the accounts are checked all the same
		}
	}
	c.RulesText, c.RulesVersion = text, versionOf(text)
	file := parseFile(name, text, &e.problems)
	checkClosing(&file, &e.problems)
	if file.vendors == nil && path != "" {
		var ignored problems // the built-in file is tested
		file.vendors = parseFile("default.yaml", defaultFile, &ignored).vendors
		file.vendorsBuiltIn = true
	}
	file.vendorsBuiltIn = file.vendorsBuiltIn || path == ""
	return file
}

// compileRules checks the rules against the accounts. What the file's syntax
// already has a problem with is not named twice.
func compileRules(e *environment, c *Config, file parsedFile) *rules.Rules {
	if file.broken {
		return nil
	}
	rules, err := rules.Compile(file.rules, c.RulesVersion, ruleAccounts(e, c))
	var found problems
	if err != nil {
		found.add(file.name, err)
	}
	for _, problem := range found.list {
		var field *FieldError
		if errors.As(problem, &field) {
			path, what, _ := strings.Cut(field.Err.Error(), ": ")
			if file.reported[path] {
				continue
			}
			if line := lineOfPath(file.root, path); line > 0 {
				field.Field, field.Err = fmt.Sprintf("%s:%d %s", file.name, line, path), errors.New(what)
			}
		}
		e.list = append(e.list, problem)
	}
	return rules
}

// ruleAccounts are the accounts as the rules see them.
func ruleAccounts(e *environment, c *Config) []rules.Account {
	accounts := make([]rules.Account, len(c.Accounts))
	for i, v := range c.Accounts {
		accounts[i] = rules.Account{Name: v.Name, Refuses: e.refuses(v), On: v.On(), AnyMemberID: v.AnyMemberID, ReasonMaxChars: v.ReasonMaxChars}
	}
	return accounts
}

// versionOf names a rule file by its text.
func versionOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:12]
}

// checkPairs checks what two parts of the configuration mean together.
func checkPairs(e *environment, c *Config) {
	for _, v := range c.Accounts {
		switch {
		case c.Drain > v.Timeout:
		case v.On():
			e.addf("WORKER_DRAIN", "want more than the timeout of vendors.%s, %s, got %s: stopping would leave its calls in doubt", v.Name, v.Timeout, c.Drain)
		default:
			e.warnings = append(e.warnings, fmt.Sprintf("WORKER_DRAIN is %s; when vendors.%s is on, it must be more than its timeout, %s", c.Drain, v.Name, v.Timeout))
		}
	}
}

func (e *environment) oneOf(name, otherwise string, allowed ...string) string {
	text, from := e.text(name, otherwise)
	if !slices.Contains(allowed, text) {
		e.addf(name, "want one of %s, got %q", strings.Join(allowed, ", "), text)
		text = otherwise
	}
	e.note(name, text, from)
	return text
}

// moment wants a time in RFC 3339; unset is zero.
func (e *environment) moment(name string) time.Time {
	text, from := e.text(name, "")
	var at time.Time
	if text != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			e.addf(name, "want a time such as 2026-11-27T12:30:00Z, as the worker's refusal names it, got %q", text)
		}
	}
	e.note(name, orUnset(text), from)
	return at
}

// natsURL wants one server or several: nats, tls, ws or wss, or host:port.
func (e *environment) natsURL(name, otherwise string) NATSURL {
	text, from := e.text(name, otherwise)
	for _, server := range strings.Split(text, ",") {
		server = strings.TrimSpace(server)
		if !strings.Contains(server, "://") {
			server = "nats://" + server
		}
		u, err := url.Parse(server)
		if err != nil || !hostAndPort(u) || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			e.addf(name, "want nats://host:port (or tls, ws, wss; several with commas), got %q", NATSURL(text).String())
			break
		}
	}
	e.note(name, NATSURL(text).String(), from)
	return NATSURL(text)
}

// hostAndPort wants a host, and no port or one that can be connected to.
func hostAndPort(u *url.URL) bool {
	if host := u.Hostname(); host == "" || strings.Trim(host, ":") == "" || (strings.Contains(host, ":") && u.Host[0] != '[') {
		return false
	}
	return u.Port() == "" && !strings.HasSuffix(u.Host, ":") || validPort(u.Port()) && u.Port() != "0"
}

// warnUnknown names variables that look like ours and are not. The variables
// that Kubernetes makes for a service named kylin or worker are not meant.
func (e *environment) warnUnknown() {
	known := keys(e.known)
	names := keys(e.values)
	slices.Sort(names)
	for _, name := range names {
		if e.known[name] || strings.Contains(name, "_SERVICE_") || strings.HasSuffix(name, "_PORT") || strings.Contains(name, "_PORT_") {
			continue
		}
		ours := strings.HasPrefix(name, "WORKER_") || slices.ContainsFunc(e.kinds, func(k vendorapi.Kind) bool {
			return strings.HasPrefix(name, strings.ToUpper(k.Name)+"_")
		})
		others := strings.HasPrefix(name, "NATS_") || strings.HasPrefix(name, "DATABASE_")
		best := nearest(name, known)
		switch {
		case ours && best != "":
			e.warnings = append(e.warnings, fmt.Sprintf("%s is not a known variable and is ignored; did you mean %s?", name, best))
		case ours:
			e.warnings = append(e.warnings, fmt.Sprintf("%s is not a known variable and is ignored", name))
		case others && best != "":
			e.warnings = append(e.warnings, fmt.Sprintf("%s is ignored; did you mean %s?", name, best))
		}
	}
}

func orUnset(text string) string {
	if text == "" {
		return unset
	}
	return text
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

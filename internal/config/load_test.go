package config

import (
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"

	"pointsledger/dispatch"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/kylin"
	"pointsledger/vendorapi/zhimai"
)

// files stands for the file system: a path that is not in it does not exist.
type files map[string]string

func (f files) read(path string) ([]byte, error) {
	text, ok := f[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

// good is an environment with both accounts on.
var good = []string{
	"DATABASE_URL=postgres://ledger:pg-secret@db:5432/points?sslmode=disable",
	"ZHIMAI_URL=http://127.0.0.1:9001/api/v2",
	"ZHIMAI_OPEN_ID=id-secret",
	"ZHIMAI_GRANT_CODE=grant-secret",
	"ZHIMAI_OPEN_KEY=key-secret",
	"KYLIN_URL=http://127.0.0.1:9002/",
	"KYLIN_HEADERS=Authorization: Bearer header-secret\nX-App: app-secret",
}

func with(environ []string, more ...string) []string {
	return append(append([]string{}, environ...), more...)
}

func mustLoad(t *testing.T, environ []string, f files) *Config {
	t.Helper()
	c, err := Load(environ, f.read)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	c := mustLoad(t, nil, nil)
	want := NATS{URL: "nats://127.0.0.1:4222", Stream: "POINTS", Durable: "points-worker", Batch: 1000, BatchesInFlight: 1, AckWait: 30 * time.Second, BatchTime: 10 * time.Second}
	if c.NATS != want {
		t.Errorf("NATS = %+v, want %+v", c.NATS, want)
	}
	if c.HTTPAddr != "127.0.0.1:8080" || c.LogLevel != "info" || c.DatabaseURL != "" || c.Drain != 25*time.Second {
		t.Errorf("got %q %q %q %s", c.HTTPAddr, c.LogLevel, c.DatabaseURL, c.Drain)
	}
	if c.Rules == nil || string(c.RulesText) != string(DefaultFile()) || len(c.RulesVersion) != 12 {
		t.Errorf("rules: version %q, %d bytes", c.RulesVersion, len(c.RulesText))
	}
	if len(c.Warnings) != 0 {
		t.Errorf("warnings: %q", c.Warnings)
	}
	for name, because := range map[string]string{"zhimai": "ZHIMAI_OPEN_ID is not set", "kylin": "KYLIN_URL is not set"} {
		if v, found := c.Account(name); !found || v.On() || v.OffBecause() != because {
			t.Errorf("%s: found %t, on %t, off because %q; want %q", name, found, v.On(), v.OffBecause(), because)
		}
	}
}

// The text of default.yaml and the defaults in code are the same.
func TestDefaultFileShowsTheDefaults(t *testing.T) {
	shown := mustLoad(t, good, nil)
	bare, _, _ := strings.Cut(string(DefaultFile()), "\nvendors:")
	bare += "\nvendors:\n  - {name: zhimai, kind: zhimai}\n  - {name: kylin, kind: kylin}\n"
	coded := mustLoad(t, with(good, "WORKER_CONFIG=bare.yaml"), files{"bare.yaml": bare})
	for i := range shown.Accounts {
		a, b := shown.Accounts[i], coded.Accounts[i]
		a.Settings, b.Settings = withoutCodes(a.Settings), withoutCodes(b.Settings) // [] and absent
		a.Rates, b.Rates = nil, nil                                                 // a file that names none has none
		if !reflect.DeepEqual(a, b) {
			t.Errorf("default.yaml and the code differ:\n%#v\n%#v", a, b)
		}
	}
	z, _ := coded.Account("zhimai")
	if z.Timeout != 10*time.Second || z.ConnectTimeout != 3*time.Second || z.Concurrency != 64 || z.Lease != 30*time.Second ||
		z.KeyMemory != 24*time.Hour || z.ProbeEvery != time.Minute || z.GiveUpAfter != 24*time.Hour || z.InDoubt != "verify" || z.ReasonMaxChars != 50 || !atZhimai(z).SigningURLEncode {
		t.Errorf("zhimai: %+v", z)
	}
	k, _ := coded.Account("kylin")
	if k.URL != "http://127.0.0.1:9002" || atKylin(k).MemberType != "aupres" || atKylin(k).PointBizType != "POINT" || k.ReasonMaxChars != 255 || !k.On() {
		t.Errorf("kylin: %+v", k)
	}
	if len(atKylin(k).Headers) != 2 || atKylin(k).Headers[0].Name != "Authorization" || atKylin(k).Headers[0].Value.Reveal() != "Bearer header-secret" {
		t.Errorf("headers: %q of %d", atKylin(k).Headers[0].Value.Reveal(), len(atKylin(k).Headers))
	}
}

func withoutCodes(s vendorapi.Settings) vendorapi.Settings {
	switch s := s.(type) {
	case zhimai.Settings:
		s.Codes = zhimai.Codes{}
		return s
	case kylin.Settings:
		s.Codes = kylin.Codes{}
		return s
	}
	return s
}

// atZhimai and atKylin are what only such an account has.
func atZhimai(v Account) zhimai.Settings { return v.Settings.(zhimai.Settings) }
func atKylin(v Account) kylin.Settings   { return v.Settings.(kylin.Settings) }

func TestDefaultFileAloneKeepsVendors(t *testing.T) {
	bare, _, _ := strings.Cut(string(DefaultFile()), "\nvendors:")
	c := mustLoad(t, with(good, "WORKER_CONFIG=rules.yaml"), files{"rules.yaml": bare})
	if len(c.Accounts) != 2 || !c.Accounts[0].On() || c.RulesFrom != "rules.yaml" || string(c.RulesText) != bare {
		t.Errorf("vendors %d, rules from %q", len(c.Accounts), c.RulesFrom)
	}
}

// One error names every bad field.
func TestOneErrorNamesEveryBadField(t *testing.T) {
	yaml := `
programme: points
timezone: Asia/Shanghai
limts: {points_per_operation: 5}
ignored: [a]
rules: []
vendors:
  - name: zhimai
    kind: zhimai
    url: ftp://files
    timeout: 30
    lease: 10s
    concurrency: 0
    retry_schedule: [1s, 0.5s]
    in_doubt: look
    probe_every: 2h
    key_memory: 20s
    reason_max_chars: 19
    codes: {already_applied: [0], auth: [7], throttled: [7], retry: [1]}
    signing_payload: "{Nonse}"
    signing_url_encode: maybe
    member_type: aupres
    open_key: inline-secret
  - name: Kylin
    kind: other
  - name: k2
    kind: kylin
    connect_timeout: 30s
    headers: {A: inline-secret}
    headers_env: not a name
`
	environ := []string{
		"NATS_URL=http://broker",
		"NATS_CREDS=/missing.creds",
		"NATS_STREAM=a.b",
		"NATS_DURABLE=a b",
		"DATABASE_URL=mysql://u:inline-secret@db",
		"ZHIMAI_URL=ftp://x",
		"ZHIMAI_OPEN_ID=a", "ZHIMAI_OPEN_ID_FILE=b",
		"ZHIMAI_GRANT_CODE_FILE=/missing",
		"ZHIMAI_OPEN_KEY=inline-secret\n",
		"WORKER_HTTP_ADDR=8080",
		"WORKER_BATCH=1001",
		"WORKER_BATCHES_IN_FLIGHT=0",
		"WORKER_ACK_WAIT=10s",
		"WORKER_BATCH_TIME=10",
		"WORKER_DRAIN=0s",
		"WORKER_PPROF=yes",
		"WORKER_LOG_LEVEL=loud",
		"WORKER_CONFIG=bad.yaml",
	}
	c, err := Load(environ, files{"bad.yaml": yaml}.read)
	if c != nil || err == nil {
		t.Fatal("want an error and no configuration")
	}
	var typed *Error
	var field *FieldError
	if !errors.As(err, &typed) || !errors.As(err, &field) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the error does not unwrap: %T", err)
	}
	text := err.Error()
	for _, want := range []string{
		`NATS_URL: want nats://host:port (or tls, ws, wss; several with commas), got "http://broker"`,
		`NATS_CREDS: read /missing.creds: file does not exist`,
		`NATS_STREAM: want`, `NATS_DURABLE: want`, `DATABASE_URL: want postgres://`,
		`ZHIMAI_URL: want an http or https URL, got "ftp://x"`,
		`ZHIMAI_OPEN_ID: set together with ZHIMAI_OPEN_ID_FILE`,
		`ZHIMAI_GRANT_CODE_FILE: read /missing: file does not exist`,
		`ZHIMAI_OPEN_KEY: want no control characters`,
		`WORKER_HTTP_ADDR: want host:port`, `WORKER_BATCH: want a whole number from 1 to 1000, got "1001"`,
		`WORKER_BATCHES_IN_FLIGHT: want`, `WORKER_ACK_WAIT: want more than`, `WORKER_BATCH_TIME: want a duration`,
		`WORKER_DRAIN: want a duration`, `WORKER_PPROF: want one of 0, 1, got "yes"`, `WORKER_LOG_LEVEL: want one of`,
		`bad.yaml:4 limts: not a known field; did you mean "limits"?`,
		`bad.yaml:5 ignored: not a known field; did you mean "ignore"?`,
		`bad.yaml:11 vendors.zhimai.timeout: want a duration from 100ms to 2m0s such as 10s, got "30"`,
		`bad.yaml:12 vendors.zhimai.lease: want more than`,
		`bad.yaml:13 vendors.zhimai.concurrency`, `bad.yaml:14 vendors.zhimai.retry_schedule: entry 2`,
		`bad.yaml:15 vendors.zhimai.in_doubt: want verify or resend, got "look"`,
		`bad.yaml:16 vendors.zhimai.probe_every: want a duration from 1s to 1h0m0s such as 1m0s, got "2h"`,
		`bad.yaml:17 vendors.zhimai.key_memory: want more than`, `bad.yaml:18 vendors.zhimai.reason_max_chars`,
		`vendors.zhimai.codes.already_applied: code 0 is success`, `vendors.zhimai.codes.throttled: code 7 stands in auth too`,
		`vendors.zhimai.codes.retry: not a known field`,
		`bad.yaml:20 vendors.zhimai.signing_payload: {Nonse} is not known`, `vendors.zhimai.signing_url_encode: want true or false`,
		`vendors.zhimai.member_type: not a known field here`,
		`vendors.zhimai.open_key: secrets do not stand in this file`,
		`bad.yaml:24 vendors[1].name: want`, `vendors[1].kind: want zhimai, kylin or custom, got "other"`,
		`vendors.k2.connect_timeout: want at most the timeout`, `vendors.k2.headers: secrets do not stand in this file`,
		`vendors.k2.headers_env: want the name of an environment variable`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if strings.Contains(text, "inline-secret") {
		t.Error("the error shows a secret")
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestSecretFiles(t *testing.T) {
	environ := []string{"DATABASE_URL_FILE=/run/db", "ZHIMAI_OPEN_ID_FILE=/run/id", "ZHIMAI_GRANT_CODE_FILE=/run/grant",
		"ZHIMAI_OPEN_KEY_FILE=/run/key", "KYLIN_URL=https://kylin.example", "KYLIN_HEADERS_FILE=/run/headers", "ZHIMAI_OPEN_KEY="}
	f := files{"/run/db": "postgres://u:p@db/points\n", "/run/id": "id\r\n", "/run/grant": "grant", "/run/key": "k e y\n", "/run/headers": "\nA: 1\nB: 2: 3\n\n"}
	c := mustLoad(t, environ, f)
	z, _ := c.Account("zhimai")
	if c.DatabaseURL.Reveal() != "postgres://u:p@db/points" || atZhimai(z).OpenID.Reveal() != "id" || atZhimai(z).GrantCode.Reveal() != "grant" || atZhimai(z).OpenKey.Reveal() != "k e y" || !z.On() {
		t.Errorf("secrets from files: %q %q %q %q", c.DatabaseURL.Reveal(), atZhimai(z).OpenID.Reveal(), atZhimai(z).GrantCode.Reveal(), atZhimai(z).OpenKey.Reveal())
	}
	k, _ := c.Account("kylin")
	if len(atKylin(k).Headers) != 2 || atKylin(k).Headers[1].Name != "B" || atKylin(k).Headers[1].Value.Reveal() != "2: 3" {
		t.Errorf("headers: %d", len(atKylin(k).Headers))
	}
	f["/run/key"] = "\n"
	if _, err := Load(environ, f.read); err == nil || !strings.Contains(err.Error(), "ZHIMAI_OPEN_KEY_FILE: /run/key is empty") {
		t.Errorf("empty file: %v", err)
	}
}

func TestBadHeaders(t *testing.T) {
	for text, want := range map[string]string{
		"secret-without-colon": "line 1: want", "A: 1\nA: 2": "line 2: A stands twice", "A b: 1": "want a header name",
		"A:": "want a value", "X-Business-Token: 1": "set by the client", "content-type: a": "set by the client",
	} {
		_, err := Load(with(good[:6], "KYLIN_HEADERS="+text), nil)
		if err == nil || !strings.Contains(err.Error(), "KYLIN_HEADERS: ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret-without") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFurtherAccounts(t *testing.T) {
	bare, _, _ := strings.Cut(string(DefaultFile()), "\nvendors:")
	bare += `
vendors:
  - {name: zhimai, kind: zhimai}
  - {name: kylin, kind: kylin}
  - name: south
    kind: zhimai
    url: https://south.example/v2
    open_id_env: SOUTH_OPEN_ID
    grant_code_env: SOUTH_GRANT
    open_key_env: SOUTH_KEY
    codes: {already_applied: [40012, "dup"]}
  - {name: plain, kind: kylin, url: https://plain.example/base/}
  - {name: bare, kind: zhimai, url: https://south.example/v2}
`
	c := mustLoad(t, with(good, "WORKER_CONFIG=f", "SOUTH_OPEN_ID=i", "SOUTH_GRANT=g", "SOUTH_KEY_FILE=/k"), files{"f": bare, "/k": "deep\n"})
	south, _ := c.Account("south")
	if !south.On() || atZhimai(south).OpenKey.Reveal() != "deep" || !reflect.DeepEqual(atZhimai(south).Codes.AlreadyApplied, []string{"40012", "dup"}) {
		t.Errorf("south: %+v %q", south, south.OffBecause())
	}
	if plain, _ := c.Account("plain"); !plain.On() || plain.URL != "https://plain.example/base" {
		t.Errorf("plain: %q %q", plain.URL, plain.OffBecause())
	}
	if v, _ := c.Account("bare"); v.On() || v.OffBecause() == "" {
		t.Error("an account that names no variables is on")
	}
	c = mustLoad(t, with(good, "WORKER_CONFIG=f", "SOUTH_OPEN_ID=i", "SOUTH_GRANT=g"), files{"f": bare})
	if south, _ = c.Account("south"); south.On() || south.OffBecause() != "SOUTH_KEY is not set" {
		t.Errorf("south without key: %q", south.OffBecause())
	}
}

func TestTyposAreWarnedAbout(t *testing.T) {
	c := mustLoad(t, []string{"ZHIMAI_OPENKEY=x", "WORKER_CONFG=x", "KYLIN_SERVICE_HOST=1", "KYLIN_PORT=tcp://1", "ZHIMAI_SOMETHING_ELSE=1", "NATS_URI=x", "NATS_VERSION=2", "HOME=/"}, nil)
	all := strings.Join(c.Warnings, "\n")
	for _, want := range []string{"ZHIMAI_OPENKEY is not a known variable and is ignored; did you mean ZHIMAI_OPEN_KEY?", "did you mean WORKER_CONFIG?", "ZHIMAI_SOMETHING_ELSE is not a known variable and is ignored", "NATS_URI is ignored; did you mean NATS_URL?"} {
		if !strings.Contains(all, want) {
			t.Errorf("missing %q", want)
		}
	}
	if len(c.Warnings) != 4 {
		t.Errorf("warnings: %q", c.Warnings)
	}
}

func TestHalfAnAccountIsWarnedAbout(t *testing.T) {
	c := mustLoad(t, []string{"ZHIMAI_OPEN_ID=x", "ZHIMAI_OPEN_KEY=y"}, nil)
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "vendors.zhimai has some of its credentials but is off: ZHIMAI_GRANT_CODE is not set") {
		t.Errorf("warnings: %q", c.Warnings)
	}
}

func TestReadyToRun(t *testing.T) {
	off := mustLoad(t, nil, nil)
	err := off.ReadyToRun(false)
	for _, want := range []string{"DATABASE_URL: not set", "zhimai is off: ZHIMAI_OPEN_ID is not set", "worker simulate"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err := off.ReadyToRun(true); err == nil || strings.Contains(err.Error(), "DATABASE_URL") {
		t.Errorf("embedded: %v", err)
	}
	if err := mustLoad(t, good, nil).ReadyToRun(false); err != nil {
		t.Error(err)
	}
}

// The border of each pair: just enough is accepted, equal is not.
func TestPairs(t *testing.T) {
	vendor := func(fields string) (string, files) {
		bare, _, _ := strings.Cut(string(DefaultFile()), "\nvendors:")
		return "WORKER_CONFIG=f", files{"f": bare + "\nvendors:\n  - {name: kylin, kind: kylin}\n  - {name: zhimai, kind: zhimai, " + fields + "}\n"}
	}
	for fields, ok := range map[string]bool{
		"timeout: 10s, lease: 15s":                            false,
		"timeout: 10s, lease: 15001ms":                        true,
		"timeout: 10s, lease: 20s, key_memory: 30s":           false,
		"timeout: 10s, lease: 20s, key_memory: 31s":           true,
		"timeout: 2s, connect_timeout: 2s":                    true,
		"timeout: 2s, connect_timeout: 2001ms":                false,
		"timeout: 25s, lease: 1m":                             false, // the drain is 25s
		"timeout: 24s, lease: 1m":                             true,
		"code_max_age: 999ms":                                 false,
		"code_max_age: 1s":                                    true,
		"code_max_age: 720h":                                  true,
		"code_max_age: 721h":                                  false,
		"probe_every: 999ms":                                  false,
		"probe_every: 1s":                                     true,
		"probe_every: 1h":                                     true,
		"probe_every: 3601s":                                  false,
		"probe_every: ~":                                      true,
		"reason_max_chars: 20":                                true,
		"retry_schedule: []":                                  false,
		"codes: {auth: [a], retryable: [a]}":                  false,
		"codes: {auth: [a], retryable: [b], throttled: ~}":    true,
		"codes: {applied: [a]}":                               false, // Kylin's alone
		`signing_payload: "{OpenId}"`:                         false,
		`signing_payload: "{OpenId}{Timestamp}"`:              true,
		"timeout: 2m, lease: 130s, give_up_after: 1m":         false,
		"open_key_env: OTHER_KEY, url: 'https://h/?token=xx'": false,
	} {
		environ, f := vendor(fields)
		_, err := Load(with(good[:1], environ, "ZHIMAI_OPEN_ID=a", "ZHIMAI_GRANT_CODE=b", "ZHIMAI_OPEN_KEY=c", "OTHER_KEY=c", "ZHIMAI_URL="), f.read)
		if strings.HasPrefix(fields, "timeout: 25s") { // needs an account that is on
			_, err = Load(with(good, environ), f.read)
		}
		if (err == nil) != ok {
			t.Errorf("%s: ok should be %t, got %v", fields, ok, err)
		}
	}
	for wait, ok := range map[string]bool{"10s": false, "10001ms": true} {
		if _, err := Load([]string{"WORKER_ACK_WAIT=" + wait}, nil); (err == nil) != ok {
			t.Errorf("ack wait %s: %v", wait, err)
		}
	}
}

func TestParseSchedule(t *testing.T) {
	for _, tc := range []struct {
		text string
		ok   bool
	}{
		{"0.5s 1s 2s 5s 15s 1m 5m 15m 30m 1h", true}, {"100ms", true}, {"99ms", false}, {"24h", true}, {"24h1s", false},
		{"", false}, {"5", false}, {"-1s", false}, {"2s 1s", false}, {"1s 1s", true}, {strings.Repeat("1s ", 50), true}, {strings.Repeat("1s ", 51), false},
	} {
		waits, err := ParseSchedule(strings.Fields(tc.text))
		if (err == nil) != tc.ok {
			t.Errorf("%q: %v", tc.text, err)
		}
		if tc.ok && len(waits) != len(strings.Fields(tc.text)) {
			t.Errorf("%q: %d waits", tc.text, len(waits))
		}
	}
	waits, err := ParseSchedule(strings.Fields("0.5s 1s 2s 5s 15s 1m 5m 15m 30m 1h"))
	if err != nil || !reflect.DeepEqual(waits, []time.Duration(dispatch.DefaultSchedule())) {
		t.Errorf("default schedule: %v %v", waits, err)
	}
}

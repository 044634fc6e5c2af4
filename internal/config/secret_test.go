package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"pointsledger/vendorapi"
)

// No way of printing a configuration shows a secret.
func TestNothingShowsASecret(t *testing.T) {
	c := mustLoad(t, with(good, "NATS_URL=nats://user:nats-secret@a:4222,nats://token-secret@b"), nil)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		fmt.Fprintf(&out, verb+"\n", *c)
		fmt.Fprintf(&out, verb+"\n", c.Accounts)
		z := atZhimai(c.Accounts[0])
		fmt.Fprintf(&out, verb+verb+verb+verb+"\n", z.OpenKey, &z.OpenKey, c.DatabaseURL, c.NATS.URL)
	}
	for _, v := range []any{c, c.Accounts, c.NATS} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	text, err := yaml.Marshal(struct {
		V []Account
		D DatabaseURL
		N NATSURL
	}{c.Accounts, c.DatabaseURL, c.NATS.URL})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&out), zap.DebugLevel)
	zap.New(core).Sugar().Infow("config", "config", c, "key", atZhimai(c.Accounts[0]).OpenKey, "database", c.DatabaseURL, "vendors", c.Accounts)
	zap.New(core).Info("config", zap.Any("key", atZhimai(c.Accounts[0]).OpenKey), zap.Any("config", c), zap.Stringer("nats", c.NATS.URL), zap.Reflect("v", c.Accounts))
	slog.New(slog.NewTextHandler(&out, nil)).Info("config", "config", c, "key", atZhimai(c.Accounts[0]).OpenKey)
	if err := c.Describe(&out); err != nil {
		t.Fatal(err)
	}
	if err := c.DescribeJSON(&out); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"pg-secret", "id-secret", "grant-secret", "key-secret", "header-secret", "app-secret", "nats-secret", "token-secret"} {
		for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret)} {
			if at := strings.Index(out.String(), form); at >= 0 {
				t.Errorf("%s is shown: …%s…", secret, out.String()[max(0, at-60):at+len(form)])
			}
		}
	}
	if !strings.Contains(out.String(), "postgres://ledger:***@db:5432/points?sslmode=disable") {
		t.Error("the database's host is not shown")
	}
}

func TestMasks(t *testing.T) {
	for _, tc := range []struct{ got, want string }{
		{vendorapi.Secret("").String(), "unset"},
		{vendorapi.Secret("x").String(), "***"},
		{DatabaseURL("").String(), "unset"},
		{DatabaseURL("postgres://u@h/d").String(), "postgres://u@h/d"},
		{DatabaseURL("postgres://u:p@h/d?sslmode=verify-full&password=p&sslpassword=q").String(), "postgres://u:***@h/d?sslmode=verify-full"},
		{DatabaseURL("postgres://u:p%zz@h/d").String(), "***"},
		{DatabaseURL("host=h user=u password=p passfile=q dbname=d").String(), "host=h user=u password=*** dbname=d"},
		{DatabaseURL("host=h password='p q'").String(), "***"},
		{DatabaseURL("host=h password = p").String(), "***"},
		{NATSURL("nats://h:1").String(), "nats://h:1"},
		{NATSURL("u:p@h, tls://t@h2").String(), "***@h,tls://***@h2"},
	} {
		if tc.got != tc.want {
			t.Errorf("got %q, want %q", tc.got, tc.want)
		}
	}
	if vendorapi.Secret("x").Reveal() != "x" {
		t.Error("Reveal hides the secret")
	}
}

func TestDescribe(t *testing.T) {
	c := mustLoad(t, with(good, "NATS_STREAM=SHOP", "ZHIMAI_OPENKEY=x"), nil)
	var table, object bytes.Buffer
	if err := c.Describe(&table); err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for _, line := range strings.Split(table.String(), "\n") {
		if fields := strings.Fields(line); len(fields) > 0 {
			lines[fields[0]] = strings.Join(fields[1:], " ")
		}
	}
	for name, want := range map[string]string{
		"NATS_STREAM":             "SHOP environment",
		"NATS_DURABLE":            "points-worker default",
		"vendors.zhimai.open_key": "*** environment",
		"vendors.zhimai.url":      "http://127.0.0.1:9001/api/v2 environment",
		"vendors.zhimai.timeout":  "10s default",
		"vendors.kylin.state":     "on derived",
		"vendors.kylin.headers":   "Authorization: ***, X-App: *** environment",
		"rules":                   "version " + c.RulesVersion + " built-in default",
	} {
		if lines[name] != want {
			t.Errorf("%s: got %q, want %q", name, lines[name], want)
		}
	}
	if !strings.Contains(table.String(), "warning: ZHIMAI_OPENKEY") {
		t.Error("no warning in the table")
	}
	if err := c.DescribeJSON(&object); err != nil {
		t.Fatal(err)
	}
	var d Description
	if err := json.Unmarshal(object.Bytes(), &d); err != nil || len(d.Settings) < 20 || len(d.Accounts) != 2 || len(d.Warnings) != 1 {
		t.Errorf("json: %v %+v", err, d)
	}
}

func TestDatabaseURL(t *testing.T) {
	for text, ok := range map[string]bool{
		"postgres://u:p@h/d": true, "postgresql://h": true, "host=h user=u": true, "postgres://u:hidden@h/d?sslmode=nonsense": false,
		"postgres://u:hidden@h:70000000/d": false, "hidden": false, "http://hidden": false, "postgres://u:hidden%zz@h": false, "postgres://u:hidden@h/d?pool_max_conns=hidden": false,
	} {
		_, err := Load([]string{"DATABASE_URL=" + text}, nil)
		if (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
		if err != nil && (strings.Contains(err.Error(), "hidden") || !strings.Contains(err.Error(), "DATABASE_URL: ")) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

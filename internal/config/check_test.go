package config

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNATSURL(t *testing.T) {
	for url, ok := range map[string]bool{
		"nats://127.0.0.1:4222": true, "broker": true, "broker:4222": true, "tls://a:1,nats://b": true, "[::1]:4222": true,
		"nats://[::1]": true, "nats://token@broker:4222": true, "broker:65535": true,
		":::": false, ":4222": false, "nats://": false, "broker:": false, "broker:0": false, "broker:65536": false,
		"broker:x": false, "::1": false, "nats://a:1,:::": false,
	} {
		_, err := Load([]string{"NATS_URL=" + url}, nil)
		if (err == nil) != ok {
			t.Errorf("%q: %v, want it accepted: %v", url, err, ok)
		}
	}
}

// A drain that is too short is an error for an account that is on, and a
// warning for one that may be turned on.
func TestDrainAgainstTimeout(t *testing.T) {
	for drain, warned := range map[string]bool{"WORKER_DRAIN=10s": true, "WORKER_DRAIN=10001ms": false} {
		c := mustLoad(t, []string{drain}, nil)
		if got := strings.Contains(strings.Join(c.Warnings, "\n"), "when vendors.zhimai is on"); got != warned {
			t.Errorf("%s: warnings %q", drain, c.Warnings)
		}
	}
	if _, err := Load([]string{"WORKER_DRAIN=10s", "KYLIN_URL=http://kylin"}, nil); err == nil || !strings.Contains(err.Error(), "WORKER_DRAIN: want more than the timeout of vendors.kylin") {
		t.Errorf("with kylin on: %v", err)
	}
}

func TestDescribeFits(t *testing.T) {
	c := mustLoad(t, nil, nil)
	var table, object bytes.Buffer
	if err := c.Describe(&table); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(table.String(), "\n") {
		if utf8.RuneCountInString(line) > 100 || strings.TrimRight(line, " ") != line {
			t.Errorf("wider than 100 columns, or blanks at its end: %q", line)
		}
	}
	if err := c.DescribeJSON(&object); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Settings []struct {
			Name  string
			Value *string
		}
	}
	if err := json.Unmarshal(object.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	values := map[string]*string{}
	for _, s := range got.Settings {
		values[s.Name] = s.Value
	}
	if v, listed := values["DATABASE_URL"]; !listed || v != nil {
		t.Errorf("DATABASE_URL is %v, want null", v)
	}
	if v := values["WORKER_CONFIG"]; v == nil || *v != "built in" {
		t.Errorf("WORKER_CONFIG is %v, want built in", v)
	}
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
	"pointsledger/vendorapi/sim"
)

// setEnv sets variables for the processes that start from now on.
func (r *rig) setEnv(entries ...string) {
	for _, entry := range entries {
		name, _, _ := strings.Cut(entry, "=")
		r.env = slices.DeleteFunc(r.env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
		if !strings.HasSuffix(entry, "=") {
			r.env = append(r.env, entry)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// mounted is a secret as Kubernetes mounts one: the file is a link through
// ..data, which is swapped for another folder at once.
type mounted struct {
	t   *testing.T
	dir string
	n   int
}

func (m *mounted) put(value string) {
	m.t.Helper()
	m.n++
	folder := fmt.Sprintf("..%d", m.n)
	if err := os.Mkdir(filepath.Join(m.dir, folder), 0o700); err != nil {
		m.t.Fatal(err)
	}
	write(m.t, filepath.Join(m.dir, folder, "key"), value+"\n")
	for link, account := range map[string]string{"..data": folder, "key": "..data/key"} {
		temporary := filepath.Join(m.dir, link+".new")
		if err := os.Symlink(account, temporary); err != nil {
			m.t.Fatal(err)
		}
		if err := os.Rename(temporary, filepath.Join(m.dir, link)); err != nil {
			m.t.Fatal(err)
		}
	}
}

// A wrong key closes the gate; the right one, put where the wrong one was, drains
// the queue, by the same process.
func TestReloadOfASecret(t *testing.T) {
	t.Parallel()
	w := newWatchedRig(t)
	secret := &mounted{t: t, dir: t.TempDir()}
	secret.put("wrong")
	w.setEnv("ZHIMAI_OPEN_KEY=", "ZHIMAI_OPEN_KEY_FILE="+filepath.Join(secret.dir, "key"))
	worker := w.worker(w.rulesFile("points.yaml", ""))
	const n = 60
	for i := range n {
		message := paid(i)
		message.Data = []byte(strings.Replace(string(message.Data), "383933091455959041", fmt.Sprintf("3839330914559590%02d", i), 1))
		w.publish(message)
	}
	testkit.Eventually(t, 60*time.Second, "the gate to close", func() bool {
		return w.number(`SELECT count(*) FROM gates WHERE reason IS NOT NULL`) == 1
	})
	secret.put(sim.DefaultOpenKey)
	worker.waitFor(`"another configuration is in force".*account zhimai`)
	testkit.Eventually(t, 90*time.Second, "the queue to drain", func() bool { return w.number(sqlOpen) == 0 })
	parked := w.number(`SELECT count(*) FROM outbox WHERE state = 'parked'`)
	if posted := w.number(sqlPosted); parked >= 10 || posted != n-parked {
		t.Errorf("%d posted and %d parked of %d", posted, parked, n)
	}
	if act := w.text(`SELECT action || ': ' || filter FROM ops_actions`); act != "reload: account zhimai" {
		t.Errorf("the act is %q", act)
	}
	if secrets := w.number(`SELECT count(*) FROM ops_actions WHERE reason || result LIKE '%` + sim.DefaultOpenKey + `%'`); secrets > 0 {
		t.Error("the act tells the key")
	}
	worker.says("ok")
}

// Rules are taken over by a running worker as a whole or not at all: broken,
// edited, or in need of a restart, the old ones stay in force and readiness says
// why; mended, they are taken over and registered.
func TestReloadOfRules(t *testing.T) {
	t.Parallel()
	w := newWatchedRig(t)
	path := w.rulesFile("points.yaml", "")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	urlFile := filepath.Join(t.TempDir(), "database")
	write(t, urlFile, w.database)
	w.setEnv("DATABASE_URL=", "DATABASE_URL_FILE="+urlFile)
	worker := w.worker(path)
	first := w.text(`SELECT version FROM mappings`)

	for what, c := range map[string]struct{ text, words string }{
		"broken":       {good + "\nvendors: [", "is refused"},
		"edited":       {strings.Replace(good, "source_type: 5", "source_type: 6", 1), "has been edited"},
		"another zone": {strings.Replace(good, "Asia/Shanghai", "Asia/Tokyo", 1), "timezone: want Asia/Shanghai"},
		"a new name":   {strings.Replace(good, "  - name: kylin", "  - name: kylin2", 1), "is refused"},
	} {
		if c.text == good {
			t.Fatalf("%s: the default file no longer holds the text to change", what)
		}
		write(t, path, c.text)
		worker.says("degraded", "stays in force", c.words)
		write(t, path, good)
		worker.says("ok")
	}
	w.publish(paid(1))
	testkit.Eventually(t, 30*time.Second, "the order is recorded", func() bool { return w.number(sqlRecorded) == 1 })

	from := time.Now()
	further := strings.Replace(strings.Replace(good, "\nvendors:", threefold(from)+"\nvendors:", 1), "concurrency: 64", "concurrency: 32", 1)
	write(t, path, further)
	worker.waitFor(`"another configuration is in force"`)
	if n := w.number(`SELECT count(*) FROM mappings WHERE version <> '` + first + `'`); n != 1 {
		t.Errorf("%d further files are registered, want 1", n)
	}
	w.publish(paid(2))
	testkit.Eventually(t, 30*time.Second, "the second order is recorded", func() bool { return w.number(sqlRecorded) == 2 })
	if n := w.number(`SELECT count(*) FROM operations WHERE points = 300 AND mapping_version <> '` + first + `'`); n != 1 {
		t.Error("the second order was not granted by the new rules")
	}
	testkit.Eventually(t, 60*time.Second, "both to be posted", w.quiet)

	// What needs a restart is said by name, as long as it is so; nothing else suffers.
	write(t, urlFile, w.database+"&application_name=x")
	if err := worker.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	worker.says("degraded", "DATABASE_URL: changed on the disk", "until a restart")
	write(t, urlFile, w.database)
	worker.says("ok")
	if n := w.number(`SELECT count(*) FROM operations`); n != 2 {
		t.Errorf("%d operations", n)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	load := func(edit func(string) string, env ...string) *config.Config {
		t.Helper()
		c, err := config.Load(append([]string{"WORKER_CONFIG=f", "ZHIMAI_OPEN_ID=a", "ZHIMAI_GRANT_CODE=b", "ZHIMAI_OPEN_KEY=c"}, env...),
			func(string) ([]byte, error) { return []byte(edit(string(config.DefaultFile()))), nil })
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	same := func(s string) string { return s }
	now := load(same)
	for what, c := range map[string]struct {
		next *config.Config
		want string
	}{
		"nothing":           {load(same), "rules false, accounts 0, restart [], impossible 0"},
		"a comment":         {load(func(s string) string { return "# x\n" + s }), "rules true, accounts 0, restart [], impossible 0"},
		"a timeout":         {load(func(s string) string { return strings.Replace(s, "timeout: 10s", "timeout: 9s", 1) }), "rules true, accounts 1, restart [], impossible 0"},
		"a key":             {load(same, "ZHIMAI_OPEN_KEY=d"), "rules false, accounts 1, restart [], impossible 0"},
		"a stream":          {load(same, "NATS_STREAM=OTHER", "WORKER_DRAIN=26s"), "rules false, accounts 0, restart [NATS_STREAM WORKER_DRAIN], impossible 0"},
		"an account on":     {load(same, "KYLIN_URL=http://127.0.0.1:1"), "rules false, accounts 0, restart [], impossible 1"},
		"an account off":    {load(same, "ZHIMAI_OPEN_KEY="), "rules false, accounts 0, restart [], impossible 1"},
		"an account beside": {load(func(s string) string { return s + "\n  - {name: beside, kind: kylin}\n" }), "rules true, accounts 0, restart [], impossible 0"},
	} {
		change := config.Compare(now, c.next)
		got := fmt.Sprintf("rules %t, accounts %d, restart %v, impossible %d", change.Rules, len(change.Accounts), change.Restart, len(change.Impossible))
		if got != c.want {
			t.Errorf("%s: got %s, want %s (%v)", what, got, c.want, change.Impossible)
		}
	}
}

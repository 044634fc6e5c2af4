package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"pointsledger/internal/config"
	"pointsledger/internal/testkit"
)

// rulesFile writes the default file with further text before its vendors.
func (w *watchedRig) rulesFile(name, sets string) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), name)
	text := strings.Replace(string(config.DefaultFile()), "\nvendors:", sets+"\nvendors:", 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// threefold is a rule set in which an order is worth three points a yuan.
func threefold(from time.Time) string {
	return fmt.Sprintf("\n  - from: %s\n    events:\n      - type: order.paid\n        operations:\n          - {vendor: zhimai, call: points_add, source_type: 1, points: {ratio: {field: amountFen, points: 3, per: 100}}, reason: 订单}\n",
		from.Format(time.RFC3339Nano))
}

// worker starts a worker with a rule file, and waits until it works.
func (w *watchedRig) worker(file string) *served {
	w.t.Helper()
	env := w.env
	w.env = append(append([]string(nil), env...), "WORKER_CONFIG="+file)
	p := w.start("run")
	w.env = env
	return &served{process: p, url: "http://" + jsonField(w.t, p.waitFor(`"worker started"`), "http")}
}

// served is a running worker with its pages.
type served struct {
	*process
	url string
}

func jsonField(t *testing.T, line, field string) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(line[strings.Index(line, "{"):]), &fields); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return fmt.Sprint(fields[field])
}

// ready reads /readyz.
func (s *served) ready() (code int, r readiness) {
	s.t.Helper()
	response, err := http.Get(s.url + "/readyz")
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&r); err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, r
}

// says waits until the readiness has a status, and a problem with these words.
func (s *served) says(status string, words ...string) {
	s.t.Helper()
	var last readiness
	testkit.Eventually(s.t, 40*time.Second, fmt.Sprintf("/readyz to say %s: %q", status, words), func() bool {
		_, last = s.ready()
		text := strings.Join(last.Problems, "\n")
		for _, word := range words {
			if !strings.Contains(text, word) {
				return false
			}
		}
		return last.Status == status
	})
}

func paid(n int) *nats.Msg {
	return &nats.Msg{Subject: "points.events.order.paid", Data: fmt.Appendf(nil,
		`{"specversion":"1.0","id":"e%d","source":"shop","type":"order.paid","data":{"orderId":"SO-%d","member":{"customerId":"383933091455959041"},"channel":"pos","amountFen":10000}}`, n, n)}
}

// Two workers, one with a further set that the other lacks: until its time the
// other warns and works, from then on it records nothing. None of 200 events is
// granted by old rules, and the one with the newest rules records all.
func TestStaleWorkerGrantsNothing(t *testing.T) {
	t.Parallel()
	w := newWatchedRig(t)
	old := w.worker(w.rulesFile("old.yaml", ""))
	w.publish(paid(0))
	testkit.Eventually(t, 30*time.Second, "the first order is recorded", func() bool { return w.number(sqlRecorded) == 1 })
	from := time.Now().Add(15 * time.Second)
	fresh := w.worker(w.rulesFile("new.yaml", threefold(from)))
	old.says("degraded", "from then on it fetches nothing", "worker rules withdraw")
	testkit.Eventually(t, 60*time.Second, "the set's time", func() bool { return time.Now().After(from) })
	for n := 1; n <= 200; n++ {
		w.publish(paid(n))
	}
	old.says("down", "lacks", "nothing is fetched")
	testkit.Eventually(t, 60*time.Second, "all to be recorded", func() bool { return w.number(sqlRecorded) == 201 })
	if n := w.number(`SELECT count(*) FROM operations WHERE points = 100`); n != 1 {
		t.Errorf("%d orders were granted by old rules, want the first alone", n)
	}
	fresh.says("ok")
	testkit.Eventually(t, 60*time.Second, "all to be posted", w.quiet)
}

// A file that was rolled back would stop everybody once its time comes: it is
// withdrawn, also after that, and everybody goes on. What was used stays.
func TestRulesWithdrawn(t *testing.T) {
	t.Parallel()
	w := newWatchedRig(t)
	file := w.rulesFile("old.yaml", "")
	old := w.worker(file)
	from := time.Now().Add(-time.Minute) // its time has come already
	wrong := w.rulesFile("wrong.yaml", threefold(from))
	bad := w.worker(wrong)
	old.says("down", "nothing is fetched")
	version := w.text(`SELECT version FROM mappings ORDER BY first_used_at DESC LIMIT 1`)

	must := func(code int, args ...string) string {
		t.Helper()
		out, errs, got := w.run("", append([]string{"rules"}, args...)...)
		if got != code {
			t.Fatalf("worker rules %v: exit %d, want %d:\n%s%s", args, got, code, out, errs)
		}
		return out + errs
	}
	has := func(text string, words ...string) {
		t.Helper()
		for _, word := range words {
			if !strings.Contains(text, word) {
				t.Errorf("no %q in:\n%s", word, text)
			}
		}
	}
	has(must(0), version, "in force", "ends "+from.UTC().Format("2006-01-02T15"), "worker on")
	must(2, "withdraw", version)
	has(must(0, "withdraw", version, "--reason", "rolled back"), "nothing was changed")
	old.says("down")
	has(must(0, "withdraw", version, "--reason", "rolled back", "--operator", "ann", "--yes"), "withdrawn, as action")
	old.says("ok")
	bad.says("down", "was withdrawn by ann", "rolled back")
	has(must(0, "--json"), `"withdrawn_because": "rolled back"`, `"state": "in force"`)
	w.publish(paid(1))
	testkit.Eventually(t, 30*time.Second, "the order is recorded", func() bool { return w.number(sqlRecorded) == 1 })
	if n := w.number(`SELECT points FROM operations`); n != 100 {
		t.Errorf("%d points, want 100 by the old file", n)
	}
	if code := bad.stop(); code != 0 {
		t.Errorf("the other worker ended with %d", code)
	}
	// A withdrawn file does not come back by a restart.
	w.env = append(w.env, "WORKER_CONFIG="+wrong)
	_, errs, code := w.run("", "run")
	if code != 2 {
		t.Errorf("exit %d, want 2", code)
	}
	has(errs, "was withdrawn by ann", "worker rules reinstate "+version)
	// What something was recorded by stays.
	recorded := w.text(`SELECT mapping_version FROM operations`)
	has(must(1, "withdraw", recorded, "--reason", "no", "--yes"), "cannot be withdrawn any more")
	// A person takes the withdrawn one up again.
	has(must(2, "reinstate", recorded, "--reason", "no"), "is not withdrawn")
	has(must(0, "reinstate", version, "--reason", "it was right"), "withdrawn by ann", "with "+recorded+" fetch nothing from", "nothing was changed")
	old.says("ok")
	has(must(0, "reinstate", version, "--reason", "it was right", "--operator", "bob", "--yes"), "reinstated, as action")
	old.says("down", "nothing is fetched")
	has(must(0), "reinstated", "by bob: it was right")
	w.publish(paid(2))
	w.worker(wrong).says("ok")
	testkit.Eventually(t, 30*time.Second, "the order is recorded", func() bool { return w.number(sqlRecorded) == 2 })
	if n := w.number(`SELECT max(points) FROM operations`); n != 300 {
		t.Errorf("%d points, want 300 by the reinstated file", n)
	}
}

// text reads one text from the ledger.
func (w *watchedRig) text(sql string) string {
	w.t.Helper()
	var s string
	if err := w.pool.QueryRow(w.t.Context(), sql).Scan(&s); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return s
}

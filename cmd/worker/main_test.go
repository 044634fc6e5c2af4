package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/internal/testkit"
	"pointsledger/migrations"
	"pointsledger/vendorapi/sim"
)

// workerBinary is the program under test, built once: these tests run real
// processes.
var workerBinary string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "worker-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	workerBinary = filepath.Join(dir, "worker")
	if out, err := exec.Command("go", "build", "-o", workerBinary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build worker: %v\n%s", err, out)
		return 1
	}
	return testkit.Run(m)
}

// rig is where a worker process runs: broker, database and simulator, each
// real.
type rig struct {
	t   *testing.T
	env []string
	// binary is another build of the worker for start; empty is workerBinary.
	binary   string
	database string
	simURL   string
}

func newRig(t *testing.T, simFlags ...string) *rig {
	t.Helper()
	r := &rig{t: t, database: testkit.Postgres(t)}
	r.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "NATS_URL=" + testkit.NATS(t),
		"DATABASE_URL=" + r.database, "WORKER_HTTP_ADDR=127.0.0.1:0"}
	simulator := r.start(append([]string{"simulate", "--addr", "127.0.0.1:0"}, simFlags...)...)
	exports := regexp.MustCompile(`([A-Z_]+)=(\S+)`).FindAllStringSubmatch(
		simulator.waitFor(`export ZHIMAI_.*`)+" "+simulator.waitFor(`export KYLIN_URL.*`), -1)
	for _, export := range exports {
		r.env = append(r.env, export[1]+"="+export[2])
		if export[1] == "KYLIN_URL" {
			r.simURL = export[2]
		}
	}
	return r
}

// process is a running worker program.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
	ended chan struct{}
}

// start starts a command of the worker; it is killed when the test ends.
func (r *rig) start(args ...string) *process {
	r.t.Helper()
	p := &process{t: r.t, cmd: exec.Command(cmp.Or(r.binary, workerBinary), args...), lines: make(chan string, 100_000), ended: make(chan struct{})}
	p.cmd.Env = r.env
	out, in := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = in, in
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			select {
			case p.lines <- scanner.Text():
			default: // nobody reads this much
			}
		}
	}()
	go func() { _ = p.cmd.Wait(); in.Close(); close(p.ended) }()
	r.t.Cleanup(p.kill)
	return p
}

// waitFor returns the first line that matches.
func (p *process) waitFor(pattern string) string {
	p.t.Helper()
	matches, seen := regexp.MustCompile(pattern), []string{}
	for deadline := time.After(30 * time.Second); ; {
		select {
		case line := <-p.lines:
			if matches.MatchString(line) {
				return line
			}
			seen = append(seen, line)
		case <-p.ended:
			if len(p.lines) == 0 {
				p.t.Fatalf("%v ended without a line like %q:\n%s", p.cmd.Args, pattern, strings.Join(seen, "\n"))
			}
		case <-deadline:
			p.t.Fatalf("%v: no line like %q in:\n%s", p.cmd.Args, pattern, strings.Join(seen, "\n"))
		}
	}
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // it may have ended
	<-p.ended
}

// stop asks the process to end and returns its exit code.
func (p *process) stop() int {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(40 * time.Second):
		p.t.Fatal("the process does not stop")
	}
	return p.cmd.ProcessState.ExitCode()
}

// run runs a command to its end.
func (r *rig) run(stdin string, args ...string) (stdout, stderr string, code int) {
	r.t.Helper()
	return runWorker(r.t, r.env, stdin, args...)
}

func runWorker(t *testing.T, env []string, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, workerBinary, args...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func (r *rig) count(sql string) int {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.database)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var n int
	if err := conn.QueryRow(r.t.Context(), sql).Scan(&n); err != nil {
		r.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// book reads the simulator's book.
func (r *rig) book() []sim.Entry {
	r.t.Helper()
	response, err := http.Get(r.simURL + "/_sim/book")
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	var book struct{ Entries []sim.Entry }
	if err := json.NewDecoder(response.Body).Decode(&book); err != nil {
		r.t.Fatal(err)
	}
	return book.Entries
}

// orders are n lines for publish.
func orders(n int) string {
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"specversion":"1.0","id":"e%[1]d","source":"shop-sh","type":"order.paid","data":{"orderId":"SO-%[1]d","member":{"customerId":"3839330914%08[1]d"},"channel":"pos","amountFen":12999}}`+"\n", i)
	}
	return lines.String()
}

// booksAgree checks ledger and simulator after all work is done.
func (r *rig) booksAgree(posted int) {
	r.t.Helper()
	applied := 0
	for _, e := range r.book() {
		if e.Applied > 1 || e.Mismatched > 0 {
			r.t.Errorf("%s was applied %d times, %d calls with other parameters", e.Key, e.Applied, e.Mismatched)
		}
		if e.Applied > 0 {
			applied++
		}
	}
	if n := r.count(`SELECT count(*) FROM postings WHERE kind = 'posted'`); n != posted || applied != posted {
		r.t.Errorf("posted %d, applied %d, want %d", n, applied, posted)
	}
}

// The worker is killed again and again in the middle of its work, the vendor
// drops connections after applying: at the end the books agree.
func TestRunIsKilled(t *testing.T) {
	t.Parallel()
	const events = 3000
	r := newRig(t, "--faults", "light", "--latency", "5ms", "--seed", "3")
	r.env = append(r.env, "WORKER_CONFIG="+honouringConfig(t))
	if out, errs, code := r.run(orders(events), "publish", "--create-stream", "-"); code != 0 || !strings.Contains(out, "published 3,000 messages, 0 of them known to the broker") {
		t.Fatalf("publish: exit %d\n%s%s", code, out, errs)
	}
	for _, at := range []int{300, 1000, 1900} {
		worker := r.start("run")
		testkit.Eventually(t, time.Minute, fmt.Sprintf("%d postings", at), func() bool {
			return r.count(`SELECT count(*) FROM postings`) >= at
		})
		worker.kill()
	}
	if open := r.count(`SELECT count(*) FROM outbox WHERE state = 'sending'`); open == 0 {
		t.Error("no row was under way at the last kill: the kills show nothing")
	}
	worker := r.start("run")
	testkit.Eventually(t, 2*time.Minute, "all operations to be posted", func() bool {
		return r.count(`SELECT count(*) FROM postings`) == events
	})
	if code := worker.stop(); code != 0 {
		t.Errorf("a stopped worker ended with exit code %d", code)
	}
	r.booksAgree(events)
	if out, _, _ := r.run(orders(events), "publish", "--no-msg-id", "-"); !strings.Contains(out, "published 3,000") {
		t.Errorf("publish again: %s", out)
	}
	worker = r.start("run")
	address := regexp.MustCompile(`"http":"([^"]+)"`).FindStringSubmatch(worker.waitFor("worker started"))[1]
	testkit.Eventually(t, time.Minute, "the repeats to be recognised", func() bool {
		return strings.Contains(get(t, "http://"+address+"/metrics"), `points_ledger_events_total{result="duplicate"} 3000`)
	})
	if n := r.count(`SELECT count(*) FROM operations`); n != events {
		t.Errorf("%d operations after all events were published twice, want %d", n, events)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(response.StatusCode, " ", string(body))
}

// impatientConfig is the built-in configuration with short waits.
func impatientConfig(t *testing.T) string {
	t.Helper()
	out, _, code := runWorker(t, nil, "", "config", "--default")
	if code != 0 {
		t.Fatal("no default configuration")
	}
	for _, change := range [][2]string{{"timeout: 10s", "timeout: 1s"}, {"connect_timeout: 3s", "connect_timeout: 1s"}, {"lease: 30s", "lease: 7s"},
		{"quiet_after: 10m", "quiet_after: 1s"}, {"sample_every: 1m", "sample_every: 1s"},
		{"retry_schedule: [0.5s, 1s, 2s, 5s, 15s, 1m, 5m, 15m, 30m, 1h]", "retry_schedule: [100ms, 200ms, 500ms]"}} {
		if !strings.Contains(out, change[0]) {
			t.Fatalf("the default configuration has no %q", change[0])
		}
		out = strings.ReplaceAll(out, change[0], change[1])
	}
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// honouringConfig is impatientConfig with the vendors' word that a repeated key
// is applied once, as the simulator does unless it is told otherwise. Without it
// what is in doubt waits until records prove that it was not applied.
func honouringConfig(t *testing.T) string {
	t.Helper()
	path := impatientConfig(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const unknown = "keys: unknown"
	if !strings.Contains(string(text), unknown) {
		t.Fatalf("the default configuration has no %q", unknown)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), unknown, "keys: honoured")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A wrong key parks at most ten rows; readiness says what is the matter; a
// restart with the right key drains the rest without a replay.
func TestRunWithWrongKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	right := r.env
	r.env = append(append([]string{}, right...), "ZHIMAI_OPEN_KEY=wrong-key")
	if _, errs, code := r.run(orders(1000), "publish", "--create-stream", "-"); code != 0 {
		t.Fatal(errs)
	}
	worker := r.start("run")
	address := regexp.MustCompile(`"http":"([^"]+)"`).FindStringSubmatch(worker.waitFor("worker started"))[1]
	testkit.Eventually(t, time.Minute, "readiness to say that the gate is closed", func() bool {
		ready := get(t, "http://"+address+"/readyz")
		return strings.HasPrefix(ready, "200 ") && strings.Contains(ready, `"degraded"`) && strings.Contains(ready, "suspicious_refusals")
	})
	testkit.Eventually(t, time.Minute, "all events to be recorded", func() bool { return r.count(`SELECT count(*) FROM operations`) == 1000 })
	if health := get(t, "http://"+address+"/healthz"); health != "200 ok\n" {
		t.Errorf("healthz: %s", health)
	}
	if code := worker.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	parked := r.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`)
	if parked == 0 || parked > 10 {
		t.Errorf("%d rows are parked, want 1 to 10", parked)
	}
	// Switched off, the account's rows are not forgotten in silence.
	r.env = append(append([]string{}, right...), "ZHIMAI_OPEN_KEY=")
	worker = r.start("run")
	address = regexp.MustCompile(`"http":"([^"]+)"`).FindStringSubmatch(worker.waitFor("worker started"))[1]
	testkit.Eventually(t, time.Minute, "readiness to name the account that nobody serves", func() bool {
		ready := get(t, "http://"+address+"/readyz")
		return strings.HasPrefix(ready, "200 ") && strings.Contains(ready, `"degraded"`) && strings.Contains(ready, "account zhimai: ") &&
			strings.Contains(ready, "no such account is on here")
	})
	pages := get(t, "http://"+address+"/metrics")
	for _, metric := range []string{fmt.Sprintf(`points_ledger_outbox_rows{account="zhimai",state="pending"} %d`, 1000-parked), "points_ledger_backlog_up 1", `points_ledger_gate_closed{account="kylin"} 0`} {
		if !strings.Contains(pages, metric+"\n") {
			t.Errorf("no %q in the metrics", metric)
		}
	}
	worker.stop()
	r.env = right
	r.start("run")
	testkit.Eventually(t, time.Minute, "the rest to be posted", func() bool {
		return r.count(`SELECT count(*) FROM postings`) == 1000-parked
	})
	r.booksAgree(1000 - parked)
}

// Postgres is away: readiness says down with 503, and recovers by itself.
func TestRunRefusesWhatItCannotServe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	empty := testkit.EmptyDatabase(t)
	r.env = append(r.env, "DATABASE_URL="+empty)
	if _, errs, code := r.run("", "run"); code != 1 || !strings.Contains(errs, "worker migrate up") {
		t.Errorf("unmigrated database: exit %d, %s", code, errs)
	}
	if out, errs, code := r.run("", "migrate"); code != 0 || !strings.Contains(out, "00001_operations.sql") {
		t.Errorf("migrate: exit %d, %s%s", code, out, errs)
	}
	if err := migrations.Check(t.Context(), empty); err != nil {
		t.Error(err)
	}
	if _, errs, code := r.run("", "migrate", "down"); code != 2 || !strings.Contains(errs, "--yes") {
		t.Errorf("migrate down: exit %d, %s", code, errs)
	}
	r.env = append(r.env, "ZHIMAI_OPEN_KEY=", "KYLIN_URL=")
	if _, errs, code := r.run("", "run"); code != 2 || !strings.Contains(errs, "worker simulate") || !strings.Contains(errs, "ZHIMAI_OPEN_KEY") {
		t.Errorf("no account on: exit %d, %s", code, errs)
	}
	r.env = append(r.env, "NATS_URL=http://x", "WORKER_BATCH=0", "ZHIMAI_URL=ftp://y", "KYLIN_URL=http://u:secret@h")
	_, errs, code := r.run("", "run")
	for _, part := range []string{"NATS_URL", "WORKER_BATCH", "ZHIMAI_URL", "KYLIN_URL"} {
		if code != 2 || !strings.Contains(errs, part+":") {
			t.Errorf("bad configuration: exit %d, no word of %s in: %s", code, part, errs)
		}
	}
	if strings.Contains(errs, "secret") {
		t.Errorf("the error shows a password: %s", errs)
	}
}

// Rules that were in use cannot be edited under the ledger's feet.
func TestRunRefusesEditedRules(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	worker := r.start("run")
	worker.waitFor("worker started")
	if code := worker.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	path := impatientConfig(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(text, []byte("source_type: 5"), []byte("source_type: 6"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	r.env = append(r.env, "WORKER_CONFIG="+path)
	if _, errs, code := r.run("", "run"); code != 2 || !strings.Contains(errs, "has been edited") {
		t.Errorf("edited rules: exit %d, %s", code, errs)
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	out, errs, code := runWorker(t, []string{"PATH=" + os.Getenv("PATH")}, "", "demo", "--json", "--events", "600", "--faults", "heavy", "--seed", "11")
	if code != 0 {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
		t.Fatalf("the last line is not JSON: %v\n%s", err, out)
	}
	number := func(name string) float64 {
		v, ok := got[name].(float64)
		if !ok {
			t.Errorf("no number %s in %v", name, got)
		}
		return v
	}
	if number("published") != 600 || number("accepted")+number("duplicates")+number("rejected") != 600 {
		t.Errorf("published = accepted + duplicates + rejected does not hold: %v", got)
	}
	if number("vendor_double_applied") != 0 || number("difference") != 0 || number("in_transit") != 0 {
		t.Errorf("the books do not agree: %v", got)
	}
	if number("posted") == 0 || number("vendor_applied") != number("posted") || number("ledger_points") != number("vendor_points") {
		t.Errorf("posted and applied differ: %v", got)
	}
	if number("duplicates") < 30 || number("rejected") < 12 {
		t.Errorf("too few duplicates or rejects to show anything: %v", got)
	}
	for _, name := range []string{"operations", "nothing_to_send", "parked", "in_doubt", "elapsed_ms", "events_per_second"} {
		number(name)
	}
}

func TestDemoWrongUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"demo", "--events", "0"}, {"demo", "--faults", "worse"}, {"demo", "--evnts", "1"}, {"dmo"}, {"explain"}, {"explain", "no-such-file"}} {
		if out, errs, code := runWorker(t, nil, "", args...); code != 2 || errs == "" || out != "" {
			t.Errorf("%v: exit %d, %q %q", args, code, out, errs)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	event := `{"specversion":"1.0","id":"e1","source":"shop-sh","type":"order.paid","time":"2026-11-20T12:00:00+08:00","data":{"orderId":"SO-1","member":{"customerId":"383933091455959041"},"channel":"pos","amountFen":12999}}`
	secret := []string{"ZHIMAI_OPEN_ID=open-id-secret", "ZHIMAI_GRANT_CODE=grant-secret", "ZHIMAI_OPEN_KEY=key-secret"}
	for _, env := range [][]string{nil, secret} {
		out, errs, code := runWorker(t, env, event, "explain", "-")
		if code != 0 {
			t.Fatalf("exit %d: %s", code, errs)
		}
		for _, part := range []string{"points          129", "sourceType      1", "pointsChannel   3", `orderId="SO-1"`, `"shop-sh"`,
			"biz_id          pajwgi7fm3svrndg2zioa45cgmpi", `"balance": "129"`, `"customerId": "383933091455959041"`, `"Token": "***"`,
			`"pointsChannel": "3"`, "POST http://openapi.zvcms.com/api/v2"} {
			if !strings.Contains(out, part) {
				t.Errorf("no %q in:\n%s", part, out)
			}
		}
		if strings.Contains(out, "-secret") {
			t.Errorf("a secret is shown:\n%s", out)
		}
	}
	_, errs, code := runWorker(t, nil, strings.Replace(event, "12999", `"12.50"`, 1), "explain", "-")
	if code != 1 || !strings.Contains(errs, `bad_type: data.amountFen: want an integer in fen, got "12.50"`) {
		t.Errorf("rejected event: exit %d, %s", code, errs)
	}
}

func TestSchemaAndConfig(t *testing.T) {
	t.Parallel()
	out, errs, code := runWorker(t, nil, "", "schema", "order.paid")
	if code != 0 || !json.Valid([]byte(out)) || !strings.Contains(out, "amountFen") {
		t.Errorf("schema: exit %d, %s%s", code, out, errs)
	}
	if _, errs, code := runWorker(t, nil, "", "schema", "order.payed"); code != 2 || !strings.Contains(errs, "order.paid") {
		t.Errorf("schema of an unknown type: exit %d, %s", code, errs)
	}
	out, _, code = runWorker(t, []string{"ZHIMAI_OPEN_KEY=very-secret", "DATABASE_URL=postgres://u:very-secret@db/x"}, "", "config", "--json")
	if code != 0 || !json.Valid([]byte(out)) || strings.Contains(out, "very-secret") {
		t.Errorf("config: exit %d, %s", code, out)
	}
}

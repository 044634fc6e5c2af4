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
	"pointsledger/reconcile/seal"
	"pointsledger/vendorapi/sim"
)

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
		"DATABASE_URL=" + r.database, "WORKER_HTTP_ADDR=127.0.0.1:0", "ZHIMAI_RATE=0"}
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
	// Nothing that happens to a worker looks like somebody who edits the ledger.
	for _, f := range r.verifyLedger().Findings {
		if f.Kind != seal.LostCommits {
			r.t.Errorf("verify finds %s: %s", f.Kind, f.What)
		}
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

func (r *rig) exec(sql string) {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.database)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(r.t.Context(), sql); err != nil {
		r.t.Fatalf("%s: %v", sql, err)
	}
}

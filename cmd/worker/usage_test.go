package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"pointsledger/internal/devstack"
	"pointsledger/internal/testkit"
)

const paidOrder = `{"specversion":"1.0","id":"e1","source":"shop-sh","type":"order.paid","data":{"orderId":"SO-1","member":{"customerId":"383933091455959041"},"channel":"pos","amountFen":12999}}`

// Wrong usage ends with exit code 2 and words that a person can act on.
func TestWrongUsage(t *testing.T) {
	t.Parallel()
	several := filepath.Join(t.TempDir(), "several.json")
	if err := os.WriteFile(several, []byte(paidOrder+"\n"+paidOrder+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	database := []string{"DATABASE_URL=postgres://nobody@127.0.0.1:1/none"}
	for _, c := range []struct {
		args string
		want string
	}{
		{"help nope", `unknown command "nope" for "worker"`},
		{"demoo", `unknown command "demoo" for "worker"; did you mean demo?`},
		{"demo extra", `demo takes no arguments, got "extra"`},
		{"demo --events x", `--events: want a whole number, got "x"`},
		{"simulate --latency 5", `--latency: want a duration such as 500ms, 30s or 2h, got "5"`},
		{"simulate --dedup maybe", `--dedup: want success, code or off, got "maybe"`},
		{"simulate --records-shape C", `--records-shape: want A or B, got "C"`},
		{"simulate --records-lag -1s", "--records-lag: want 0 or more"},
		{"config --json --default", "--default prints YAML"},
		{"schema order.payed", "known types: day.declared, member.checked_in, order.cancelled, order.completed, order.paid, order.refunded, review.posted"},
		{"explain", "want one FILE, or - for standard input"},
		{"publish " + t.TempDir(), "is a folder"},
		{"explain " + several, "holds several events; explain takes one (head -1 " + several},
		{"migrate status --yes", "--yes belongs to migrate down, not to migrate status"},
		{"migrate down --grant-to x", "--grant-to belongs to migrate up"},
		{"migrate up --grant-to=", "--grant-to: want the name of a role"},
	} {
		out, errs, code := runWorker(t, database, "", strings.Fields(c.args)...)
		if code != 2 || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d, %q, want %q in %q", c.args, code, out, c.want, errs)
		}
	}
	if out, _, code := runWorker(t, nil, "", "help", "demo"); code != 0 || !strings.Contains(out, "--events") {
		t.Errorf("help demo: exit %d, %s", code, out)
	}
	if out, _, code := runWorker(t, nil, "", "--version"); code != 0 || !strings.HasPrefix(out, "worker version ") {
		t.Errorf("--version: exit %d, %s", code, out)
	}
}

// Output that went nowhere is a failure.
func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Log("nothing to see: this system has no /dev/full")
		return
	}
	defer full.Close()
	for _, args := range [][]string{{"schema"}, {"config"}, {"config", "--default"}, {"help"}} {
		cmd := exec.Command(workerBinary, args...)
		cmd.Env, cmd.Stdout = []string{"HOME=/"}, full
		if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != 1 {
			t.Errorf("%v: %v, want exit code 1", args, err)
		}
	}
}

func TestExplainSaysWhatItAssumes(t *testing.T) {
	t.Parallel()
	old := strings.Replace(paidOrder, `"data"`, `"time":"2021-03-01T12:00:00+08:00","data"`, 1)
	for _, c := range []struct {
		event string
		flags []string
		want  []string
	}{
		{paidOrder, nil, []string{"published at ", "(now; --at assumes another time)"}},
		{old, nil, []string{"published at 2021-03-01T12:00:00+08:00 (its own time;", "published now it would be rejected: clock:"}},
		{paidOrder, []string{"--at", "2019-05-01T00:00:00Z"}, []string{"published at 2019-05-01T00:00:00Z (--at)", "the first set"}},
	} {
		out, errs, code := runWorker(t, nil, c.event, append([]string{"explain", "-"}, c.flags...)...)
		for _, want := range c.want {
			if code != 0 || !strings.Contains(out, want) {
				t.Errorf("explain %v: exit %d, no %q in\n%s%s", c.flags, code, want, out, errs)
			}
		}
	}
	wide, _, _ := runWorker(t, nil, strings.Replace(old, `"amountFen"`, `"pointsUsed":7,"shopCode":"sh01","businessDate":"2021-03-01","amountFen"`, 1), "explain", "-")
	for _, line := range strings.Split(wide, "\n") {
		if utf8.RuneCountInString(line) > 100 {
			t.Errorf("wider than 100 columns: %s", line)
		}
	}
	if out, _, _ := runWorker(t, nil, paidOrder, "explain", "-"); strings.Contains(out, "would be rejected") || strings.Contains(out, "null") {
		t.Errorf("an event that is fine now:\n%s", out)
	}
	out, _, code := runWorker(t, nil, old, "explain", "--json", "--at", "2026-03-01T12:00:00Z", "-")
	var got struct {
		Rejected     bool
		Code, Reason string
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 1 || !got.Rejected || got.Code != "clock" || got.Reason == "" {
		t.Errorf("a reject as JSON: exit %d, %v, %s", code, err, out)
	}
}

// A pretty-printed file must not become a message for each of its lines.
func TestPublishWantsOneObjectALine(t *testing.T) {
	t.Parallel()
	env := []string{"NATS_URL=" + testkit.NATS(t)}
	if out, errs, code := runWorker(t, env, paidOrder+"\n{\n\"a\": 1\n}\n", "publish", "--create-stream", "-"); code != 1 ||
		!strings.Contains(out, "published 1 message, 0 of them known") || !strings.Contains(errs, "line 2 is not a JSON object") {
		t.Errorf("pretty-printed: exit %d, %s%s", code, out, errs)
	}
	if out, errs, code := runWorker(t, env, "{\n[]\n", "publish", "--raw", "-"); code != 0 || !strings.Contains(out, "published 2 messages") {
		t.Errorf("--raw: exit %d, %s%s", code, out, errs)
	}
	if _, errs, code := runWorker(t, env, `{"a":"`+strings.Repeat("x", 1<<20)+`"}`, "publish", "-"); code != 1 || !strings.Contains(errs, "line 1 is longer than 1 MiB") {
		t.Errorf("a long line: exit %d, %s", code, errs)
	}
	if _, errs, code := runWorker(t, []string{"NATS_URL=nats://127.0.0.1:1"}, paidOrder, "publish", "-"); code != 1 ||
		!strings.Contains(errs, "cannot reach NATS at nats://127.0.0.1:1: connection refused") {
		t.Errorf("no broker: exit %d, %s", code, errs)
	}
}

func TestMigrateSaysWhatItDid(t *testing.T) {
	t.Parallel()
	database := testkit.EmptyDatabase(t)
	env := []string{"DATABASE_URL=" + database}
	if _, errs, code := runWorker(t, env, "", "migrate", "--grant-to", "no_such_role"); code != 1 || !strings.Contains(errs, `CREATE ROLE "no_such_role" LOGIN`) {
		t.Errorf("a missing role: exit %d, %s", code, errs)
	}
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var tables int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables); err != nil || tables != 0 {
		t.Errorf("a missing role, and %d tables were made, %v", tables, err)
	}
	for _, c := range []struct{ args, want string }{
		{"migrate", " migrations, at version "},
		{"migrate up", "nothing to apply, at version "},
		{"migrate down --yes", "taken back: 000"},
		{"migrate up", "applied 1 migration, at version "},
		{"migrate down --all --yes", "taken back: 00001_operations.sql"},
		{"migrate down --yes", "nothing to take back"},
	} {
		if out, errs, code := runWorker(t, env, "", strings.Fields(c.args)...); code != 0 || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit %d, no %q in %s%s", c.args, code, c.want, out, errs)
		}
	}
}

// Two workers with servers of their own cannot have one port, and what the
// environment says of other servers is not silently dropped.
func TestRunEmbeddedSaysWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	// The server's user must be able to enter it, so no folder of t.TempDir.
	dir, err := os.MkdirTemp("/tmp", "worker-embedded-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(taken.Addr().(*net.TCPAddr).Port)
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "KYLIN_URL=http://127.0.0.1:1", "NATS_URL=nats://elsewhere:4222",
		"DATABASE_URL=postgres://ledger@elsewhere/points"}
	_, errs, code := runWorker(t, env, "", "run", "--embedded", "--data", filepath.Join(dir, "new", "data"), "--nats-port", port)
	for _, want := range []string{"warning: NATS_URL is ignored", "warning: DATABASE_URL is ignored",
		"port " + port + " is taken: stop the other NATS server, or use --nats-port"} {
		if code != 1 || !strings.Contains(errs, want) {
			t.Errorf("exit %d, no %q in %s", code, want, errs)
		}
	}
	if _, errs, code := runWorker(t, env, "", "run", "--nats-port", "4223"); code != 2 || !strings.Contains(errs, "--embedded") {
		t.Errorf("--nats-port without --embedded: exit %d, %s", code, errs)
	}
}

// A broker that is away is named at once.
func TestRunNamesWhatItCannotReach(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.env = append(r.env, "NATS_URL=nats://127.0.0.1:1")
	r.start("run").waitFor(`cannot reach NATS.*nats://127.0.0.1:1: connection refused`)
}

// Where the owner of the tables may not create roles, finance's role is missing:
// that is said, and the block in the document makes it.
func TestMigrateAsAnOwnerWithoutRights(t *testing.T) {
	t.Parallel()
	cluster, err := devstack.StartPostgres(t.Context(), devstack.PostgresConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Stop() })
	admin := func(database, sql string) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), cluster.DSN(database))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	admin("postgres", `CREATE ROLE ledger_owner LOGIN PASSWORD 'x'; CREATE ROLE points_worker LOGIN`)
	admin("postgres", `CREATE DATABASE points OWNER ledger_owner`)
	owner, err := url.Parse(cluster.DSN("points"))
	if err != nil {
		t.Fatal(err)
	}
	owner.User = url.UserPassword("ledger_owner", "x")
	env := []string{"DATABASE_URL=" + owner.String()}
	const note = "note: role points_ledger_finance is missing (ledger_owner may not create roles); see docs/finance-queries.md"
	if out, errs, code := runWorker(t, env, "", "migrate", "--grant-to", "points_worker"); code != 0 || !strings.Contains(out, note) {
		t.Errorf("migrate: exit %d, %s%s", code, out, errs)
	}
	page, err := os.ReadFile("../../docs/finance-queries.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)CREATE ROLE points_ledger_finance.*?```").FindString(string(page))
	admin("points", strings.TrimSuffix(block, "```"))
	if out, errs, code := runWorker(t, env, "", "migrate"); code != 0 || strings.Contains(out, "note:") {
		t.Errorf("migrate with the role: exit %d, %s%s", code, out, errs)
	}
	admin("points", `SET ROLE points_ledger_finance; SELECT count(*) FROM operation_status; SELECT count(*) FROM gates`)
}

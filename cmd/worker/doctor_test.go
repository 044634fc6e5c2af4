package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/internal/doctor"
	"pointsledger/internal/testkit"
	"pointsledger/vendorapi/sim"
)

const doctorMember = "383933091455959041"

// doctorSecrets must never be shown.
const doctorGrantCode, doctorOpenKey, doctorHeader, doctorPassword = "grant-kept-secret", "key-kept-secret", "header-kept-secret", "password-kept-secret"

// newDoctorRig is a rig with a simulator in this process.
func newDoctorRig(t *testing.T, cfg sim.Config) *rig {
	t.Helper()
	cfg.Zhimai.GrantCode, cfg.Zhimai.OpenKey = doctorGrantCode, doctorOpenKey
	simulator, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(simulator)
	t.Cleanup(server.Close)
	r := &rig{t: t, database: testkit.Postgres(t), simURL: server.URL}
	r.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "NATS_URL=" + testkit.NATS(t), "DATABASE_URL=" + r.database,
		"ZHIMAI_URL=" + server.URL + "/api/v2", "ZHIMAI_OPEN_ID=" + sim.DefaultOpenID, "ZHIMAI_GRANT_CODE=" + doctorGrantCode,
		"ZHIMAI_OPEN_KEY=" + doctorOpenKey, "KYLIN_URL=" + server.URL, "KYLIN_HEADERS=Authorization: " + doctorHeader}
	return r
}

// set sets a variable of the worker's environment.
func (r *rig) set(entries ...string) *rig {
	r.env = append(r.env, entries...)
	return r
}

// doctorReport is what --json prints.
type doctorReport struct {
	Checks   []doctor.Line   `json:"checks"`
	Warnings int             `json:"warnings"`
	Wrong    int             `json:"wrong"`
	Live     *doctor.Learned `json:"live"`
}

// has tells whether a check ended so, with the words.
func (d doctorReport) has(check string, v doctor.Verdict, words ...string) bool {
	for _, line := range d.Checks {
		fits := line.Check == check && line.Verdict == v
		for _, w := range words {
			fits = fits && strings.Contains(line.Found+" → "+line.Do, w)
		}
		if fits {
			return true
		}
	}
	return false
}

// doctor runs the command with --json and checks what holds in any case.
func (r *rig) doctor(wantCode int, args ...string) doctorReport {
	r.t.Helper()
	out, errs, code := r.run("", append([]string{"doctor", "--json"}, args...)...)
	var report doctorReport
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != wantCode {
		r.t.Errorf("doctor %v: exit %d, want %d, %v\n%s%s", args, code, wantCode, err, out, errs)
	}
	if strings.Contains(out+errs, "kept-secret") {
		r.t.Errorf("a secret is shown:\n%s%s", out, errs)
	}
	return report
}

func (d doctorReport) want(t *testing.T, check string, v doctor.Verdict, words ...string) {
	t.Helper()
	if !d.has(check, v, words...) {
		text, _ := json.MarshalIndent(d.Checks, "", " ")
		t.Errorf("no line %s %s with %q in\n%s", check, v, words, text)
	}
}

// Nothing wrong: one line for each check, exit code 0, nothing changed.
func TestDoctorFindsNothingWrong(t *testing.T) {
	t.Parallel()
	r := newDoctorRig(t, sim.Config{})
	out, errs, code := r.run("", "doctor")
	if code != 0 || errs != "" || strings.Contains(out, "✗") || strings.Contains(out, "kept-secret") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	for _, line := range []string{"✓ configuration", "✓ Postgres ", "✓ Postgres schema", "✓ Postgres rights", "✓ Postgres identity", "✓ NATS ",
		"! NATS stream              POINTS does not exist → ", "✓ account zhimai ", "! account zhimai signature accepted: ", "✓ account zhimai gate", "✓ account kylin address"} {
		if !strings.Contains("\n"+out, "\n"+line) {
			t.Errorf("no line %q in\n%s", line, out)
		}
	}
	if book := r.book(); len(book) != 0 {
		t.Errorf("the vendors' book holds %v", book)
	}
	report := r.doctor(0, "--live-member", doctorMember)
	report.want(t, "live", doctor.Note, "nothing was granted", doctorMember, "--yes", "up to 2 real points")
	if book := r.book(); len(book) != 0 || report.Live != nil || r.count(`SELECT count(*) FROM accounts`) != 0 {
		t.Errorf("without --yes: %v %+v", book, report.Live)
	}
	r.set("WORKER_CONFIG=" + listedCode(t, "auth", "40101"))
	r.doctor(0).want(t, "account zhimai signature", doctor.OK, "code 40401", "code 40101")
}

// listedCode is the built-in configuration with a code of the simulator in one
// of Zhimai's lists.
func listedCode(t *testing.T, list, code string) string {
	t.Helper()
	text, _, _ := runWorker(t, nil, "", "config", "--default")
	changed := strings.Replace(text, "      "+list+": []\n", "      "+list+": [\""+code+"\"]\n", 1)
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil || changed == text {
		t.Fatalf("write configuration: %v", err)
	}
	return path
}

// Each thing that is wrong is named, with exit code 3 or 2.
func TestDoctorNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := newDoctorRig(t, sim.Config{})
	right := r.env
	with := func(entries ...string) *rig { r.env = append(append([]string{}, right...), entries...); return r }

	wrongKey := with("ZHIMAI_OPEN_KEY=another-key-kept-secret").doctor(3, "--live-member", doctorMember, "--yes", "--settle", "200ms")
	wrongKey.want(t, "account zhimai signature", doctor.Wrong, "code 40101", "签名错误", "signed wrongly on purpose", `auth: ["40101"]`)
	wrongKey.want(t, "live", doctor.Note, "nothing was granted", "signature")
	with("ZHIMAI_OPEN_KEY=another-key-kept-secret", "WORKER_CONFIG="+listedCode(t, "auth", "40101")).doctor(3).want(t, "account zhimai signature", doctor.Wrong, "refused", "code 40101")
	if book := r.book(); len(book) != 0 {
		t.Errorf("with a wrong key points were granted: %v", book)
	}

	closed := freePort(t)
	away := with("NATS_URL=nats://u:"+doctorPassword+"@"+closed, "DATABASE_URL=postgres://u:"+doctorPassword+"@"+closed+"/x",
		"KYLIN_URL=http://"+closed, "ZHIMAI_URL=http://"+closed).doctor(3, "--live-member", doctorMember, "--yes", "--settle", "200ms")
	for _, check := range []string{"Postgres", "NATS", "account kylin address", "account zhimai signature"} {
		away.want(t, check, doctor.Wrong, "reach")
	}
	with("DATABASE_URL="+testkit.EmptyDatabase(t)).doctor(3).want(t, "Postgres schema", doctor.Wrong, "worker migrate up")
	with("DATABASE_URL="+withParameter(r.database, "synchronous_commit=off")).doctor(3).want(t, "Postgres durability", doctor.Wrong, "synchronous_commit is off")
	with("DATABASE_URL=").doctor(2).want(t, "Postgres", doctor.Wrong, "DATABASE_URL is not set")
	off := with("ZHIMAI_OPEN_KEY=", "KYLIN_URL=").doctor(2)
	off.want(t, "account zhimai", doctor.Note, "ZHIMAI_OPEN_KEY is not set")
	off.want(t, "accounts", doctor.Wrong, "worker simulate")
	with("ZHIMAI_OPEN_KY=x-kept-secret").doctor(0).want(t, "configuration", doctor.Note, "ZHIMAI_OPEN_KY")
	if out, errs, code := with("NATS_URL=http://x", "WORKER_BATCH=0").run("", "doctor", "--json"); code != 2 || out != "" || !strings.Contains(errs, "WORKER_BATCH") {
		t.Errorf("bad configuration: exit %d, %q %q", code, out, errs)
	}
	with()
	for args, want := range map[string]string{"--yes": "--live-member", "--live-member x1": "want 1 to 32 digits",
		"--live-member 1 --account kylin": "kylin account", "--live-member 1 --account nobody": "no account",
		"--live-member 1 --wait 2h": "--wait: want 0s to 1h", "--live-member 1 --settle -1s": "--settle: want 0s to 1h", "more": "takes no arguments"} {
		if out, errs, code := r.run("", append([]string{"doctor"}, strings.Fields(args)...)...); code != 2 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("doctor %s: exit %d, %q %q", args, code, out, errs)
		}
	}
}

func withParameter(url, parameter string) string {
	if strings.Contains(url, "?") {
		return url + "&" + parameter
	}
	return url + "?" + parameter
}

// freePort is an address at which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestDoctorWeakStream(t *testing.T) {
	t.Parallel()
	r := newDoctorRig(t, sim.Config{})
	conn, err := nats.Connect(strings.TrimPrefix(r.env[2], "NATS_URL="))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	weak := consumers.StreamConfig("POINTS")
	weak.Storage, weak.MaxAge = jetstream.MemoryStorage, time.Hour
	stream, err := js.CreateStream(t.Context(), weak)
	if err != nil {
		t.Fatal(err)
	}
	durable := jetstream.ConsumerConfig{Durable: "points-worker", AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: 5, FilterSubject: "points.events.>"}
	if _, err := stream.CreateConsumer(t.Context(), durable); err != nil {
		t.Fatal(err)
	}
	report := r.doctor(0)
	report.want(t, "NATS stream", doctor.Note, "storage is memory")
	report.want(t, "NATS stream", doctor.Note, "max age is 1h0m0s")
	report.want(t, "NATS durable", doctor.Note, "max deliver is 5")
	weak.Subjects = []string{"orders.>"}
	if _, err := js.UpdateStream(t.Context(), weak); err != nil {
		t.Fatal(err)
	}
	r.doctor(3).want(t, "NATS stream", doctor.Wrong, "orders.>", "points.events.>")
}

// In every mode of the simulator the live check says what the book says.
func TestDoctorLive(t *testing.T) {
	t.Parallel()
	for _, dedup := range []sim.DedupMode{sim.DedupSuccess, sim.DedupCode, sim.DedupOff} {
		for _, echo := range []bool{true, false} {
			for _, shape := range []sim.Shape{sim.ShapeA, sim.ShapeB} {
				t.Run(fmt.Sprintf("%s echo %t shape %s", dedup, echo, shape), func(t *testing.T) {
					t.Parallel()
					liveMode(t, dedup, sim.RecordsConfig{Shape: shape, EchoReason: echo})
				})
			}
		}
	}
}

func liveMode(t *testing.T, dedup sim.DedupMode, records sim.RecordsConfig) {
	r := newDoctorRig(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: dedup}, Records: records}})
	code := 0
	if dedup == sim.DedupOff {
		code = 3
	}
	report := r.doctor(code, "--live-member", doctorMember, "--yes", "--settle", "200ms")
	live := report.Live
	if live == nil || live.Honoured == nil || live.Granted == nil || live.Echoed == nil || live.VisibleAfterMS == nil || live.SameID == nil {
		t.Fatalf("not all was learned: %+v\n%+v", live, report.Checks)
	}
	book := r.book()
	if len(book) != 1 || book[0].Key != live.BizID || book[0].Received != 2 || book[0].AppliedPoints != *live.Granted ||
		(book[0].Applied == 1) != *live.Honoured || book[0].Mismatched != 0 {
		t.Errorf("the book says %+v, doctor %+v", book, live)
	}
	if *live.Honoured != (dedup != sim.DedupOff) || *live.Echoed != records.EchoReason || !*live.SameID || !strings.HasPrefix(live.BizID, "dr") {
		t.Errorf("learned %+v", live)
	}
	advice := strings.Join(live.Advice, "\n")
	if strings.Contains(advice, `codes: {already_applied: ["40901"]}`) != (dedup == sim.DedupCode) || !strings.Contains(advice, "in_doubt: verify") ||
		!strings.Contains(advice, "key_memory: 24h  #") {
		t.Errorf("advice %s", advice)
	}
	switch dedup {
	case sim.DedupSuccess:
		report.want(t, "live bizId", doctor.OK, "honoured", "success again")
	case sim.DedupCode:
		report.want(t, "live bizId", doctor.Note, "honoured", "code 40901", "codes.already_applied")
	case sim.DedupOff:
		report.want(t, "live bizId", doctor.Wrong, "NOT honoured", "really got 2 points")
	}
	report.want(t, "live customerId", doctor.OK, "works as user_id")
	if kept := r.count(`SELECT count(*) FROM accounts JOIN endpoints USING (target) WHERE target = 'zhimai' AND (reference_state = 'shown') = ` +
		fmt.Sprint(records.EchoReason) + ` AND (keys_seen_at IS NOT NULL) = ` + fmt.Sprint(dedup != sim.DedupOff)); kept != 1 {
		t.Error("the ledger does not keep what was learned")
	}
	if n := r.count(`SELECT count(*) FROM operations`) + r.count(`SELECT count(*) FROM postings`); n != 0 {
		t.Errorf("%d rows in the ledger", n)
	}
	mustExplain(t, r, live)
}

// mustExplain looks at the two records of a live check: one from before the
// grants, one with what came of them.
func mustExplain(t *testing.T, r *rig, live *doctor.Learned) {
	t.Helper()
	what := fmt.Sprintf(`action = 'doctor' AND actor <> '' AND set_size = 2 AND filter = 'account=zhimai member=%s bizId=%s reference=%s'`, live.Member, live.BizID, live.Reference)
	for _, result := range []string{"begun: 1 point granted 2 times%", fmt.Sprintf("ended: %%points granted: %d", *live.Granted)} {
		if n := r.count(`SELECT count(*) FROM ops_actions WHERE ` + what + ` AND result LIKE '` + result + `'`); n != 1 {
			t.Errorf("%d records of the live check like %q", n, result)
		}
	}
	if n := r.count(`SELECT count(*) FROM ops_actions`); n != 2 {
		t.Errorf("%d records of actions, want 2", n)
	}
}

// Without the record nothing is granted; the given operator stands in it.
func TestDoctorLiveIsRecordedFirst(t *testing.T) {
	t.Parallel()
	r := newDoctorRig(t, sim.Config{})
	r.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'closed'; END $$`)
	r.exec(`CREATE TRIGGER refuse BEFORE INSERT ON ops_actions FOR EACH ROW EXECUTE FUNCTION refuse()`)
	r.doctor(3, "--live-member", doctorMember, "--yes").want(t, "live", doctor.Wrong, "nothing was granted", "ops_actions")
	if book := r.book(); len(book) != 0 {
		t.Errorf("granted without a record: %v", book)
	}
	r.exec(`DROP TRIGGER refuse ON ops_actions`)
	r.doctor(0, "--live-member", doctorMember, "--yes", "--settle", "200ms", "--operator", "lin").want(t, "live", doctor.OK, "action", "by lin")
	if n := r.count(`SELECT count(*) FROM ops_actions WHERE actor = 'lin'`); n != 2 {
		t.Errorf("%d records by lin, want 2", n)
	}
}

// The time until the record showed is held against verify_after.
func TestDoctorLiveVerifyAfter(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]struct {
		code    int
		verdict doctor.Verdict
		words   string
	}{"200ms": {3, doctor.Wrong, "too short"}, "2s": {0, doctor.Note, "little room"}, "1m": {0, doctor.OK, "enough"}} {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			text, _, _ := runWorker(t, nil, "", "config", "--default")
			path := filepath.Join(t.TempDir(), "points.yaml")
			if err := os.WriteFile(path, []byte(strings.Replace(text, "verify_after: 5s", "verify_after: "+set, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			r := newDoctorRig(t, sim.Config{Zhimai: sim.ZhimaiConfig{Records: sim.RecordsConfig{EchoReason: true, Lag: 1200 * time.Millisecond}}})
			report := r.set("WORKER_CONFIG="+path).doctor(want.code, "--live-member", doctorMember, "--yes", "--settle", "200ms")
			report.want(t, "live verify_after", want.verdict, want.words, "verify_after is "+map[string]string{"1m": "1m0s"}[set]+strings.TrimPrefix(set, "1m"))
			advised := doctor.VerifyAfterFor(time.Duration(*report.Live.VisibleAfterMS) * time.Millisecond).String()
			if set == "1m" {
				advised = "1m  # as now"
			}
			if advice := strings.Join(report.Live.Advice, "\n"); !strings.Contains(advice, "verify_after: "+advised) {
				t.Errorf("no verify_after: %s in the advice\n%s", advised, advice)
			}
		})
	}
}

// What cannot be told is not claimed.
func TestDoctorLiveDoubts(t *testing.T) {
	t.Parallel()
	t.Run("records lag", func(t *testing.T) {
		t.Parallel()
		r := newDoctorRig(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupOff}, Records: sim.RecordsConfig{EchoReason: true, Lag: time.Second}}})
		live := r.doctor(3, "--live-member", doctorMember, "--yes", "--settle", "200ms").Live
		if live == nil || live.Honoured == nil || *live.Honoured || live.VisibleAfterMS == nil || *live.VisibleAfterMS < 900 {
			t.Errorf("learned %+v", live)
		}
	})
	t.Run("records never show", func(t *testing.T) {
		t.Parallel()
		r := newDoctorRig(t, sim.Config{Zhimai: sim.ZhimaiConfig{Records: sim.RecordsConfig{Lag: time.Hour}}})
		report := r.doctor(3, "--live-member", doctorMember, "--yes", "--wait", "0s", "--settle", "200ms")
		report.want(t, "live records", doctor.Wrong, "does not show within 0s")
		// The balance shows that one was granted.
		if live := report.Live; live == nil || live.Echoed != nil || live.VisibleAfterMS != nil || live.Granted == nil || *live.Granted != 1 {
			t.Errorf("learned %+v", live)
		}
	})
	t.Run("listed codes", func(t *testing.T) {
		t.Parallel()
		r := newDoctorRig(t, sim.Config{Zhimai: sim.ZhimaiConfig{Dedup: sim.Dedup{Mode: sim.DedupCode}}})
		right := r.env
		r.set("WORKER_CONFIG="+listedCode(t, "already_applied", "40901")).doctor(0, "--live-member", doctorMember, "--yes", "--settle", "200ms").
			want(t, "live bizId", doctor.OK, "code 40901", "codes.already_applied lists")
		r.env = append([]string{}, right...)
		misread := r.set("WORKER_CONFIG="+listedCode(t, "retryable", "40901")).doctor(3, "--live-member", doctorMember, "--yes", "--settle", "200ms")
		misread.want(t, "live bizId", doctor.Wrong, "code 40901", "lists as retryable")
		if advice := misread.Live.Advice[0]; !strings.HasPrefix(advice, `codes: {already_applied: ["40901"]}`) {
			t.Errorf("advice %s", advice)
		}
	})
	t.Run("unknown and frozen members", func(t *testing.T) {
		t.Parallel()
		r := newDoctorRig(t, sim.Config{Members: sim.MembersConfig{Unknown: []string{"11"}, Frozen: []string{"22"}}})
		unknown := r.doctor(3, "--live-member", "11", "--yes", "--settle", "200ms")
		unknown.want(t, "live customerId", doctor.Wrong, "code 40401")
		unknown.want(t, "live grant", doctor.Wrong, "nothing was granted")
		r.doctor(0, "--live-member", "22", "--yes", "--settle", "200ms").want(t, "live customerId", doctor.Note, "frozen")
		for _, e := range r.book() {
			if e.Applied > 0 {
				t.Errorf("granted %+v", e)
			}
		}
	})
}

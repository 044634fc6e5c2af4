package main

import (
	"strings"
	"testing"
	"time"

	"pointsledger/desk/records"
	"pointsledger/internal/accounts"
	"pointsledger/internal/config"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
	"pointsledger/vendorapi/sim"
	"pointsledger/vendorapi/zhimai"
)

// reader is a console whose configuration has a simulated Zhimai.
type reader struct {
	*console
	vendor *sim.Simulator
	client *zhimai.Client
	stop   func()
}

func newReader(t *testing.T, cfg sim.Config) *reader {
	t.Helper()
	r := &reader{console: newConsole(t)}
	var err error
	if r.vendor, err = sim.New(cfg); err != nil {
		t.Fatal(err)
	}
	url, stop, err := r.vendor.Start("")
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(r.stop)
	r.env = append(r.env, "ZHIMAI_URL="+url+"/api/v2", "ZHIMAI_OPEN_ID="+sim.DefaultOpenID,
		"ZHIMAI_GRANT_CODE="+sim.DefaultGrantCode, "ZHIMAI_OPEN_KEY="+sim.DefaultOpenKey)
	loaded, err := config.Load(r.env, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := loaded.Account("zhimai")
	sender, err := accounts.Open(v)
	if err != nil {
		t.Fatal(err)
	}
	r.client = sender.(*zhimai.Client)
	t.Cleanup(r.client.Close)
	return r
}

// shows makes the endpoint one that has been sampled for long, and just now: it
// shows references, its times are ours, and its lists go back for a month.
func (r *reader) shows() {
	r.t.Helper()
	endpoint := r.client.Endpoint()
	r.exec(`INSERT INTO endpoints (target, endpoint, first_used_at, reference_state, shown_since, zone_offset_minutes)
	        VALUES ('zhimai', $1, now() - interval '30 days', 'shown', now() - interval '30 days', 0)`, endpoint)
	r.exec(`INSERT INTO endpoint_extents (target, endpoint, records, depth) VALUES ('zhimai', $1, 1000, interval '30 days')`, endpoint)
	r.exec(`INSERT INTO endpoint_samples (target, endpoint, operation_id, member_id, sent_at, confirmed_at, state, ended_at, shown_began_at,
	                                      shown_at, last_began_at, last_shown_at, lag_ms)
	        VALUES ('zhimai', $1, 1000000, '1', now(), now(), 'shown', now(), now(), now(), now(), now(), 0)`, endpoint)
}

// grant has the vendor apply an operation, as a worker would.
func (r *reader) grant(op ledger.Operation, edit ...func(*zhimai.PointsAdd)) {
	r.t.Helper()
	call := zhimai.PointsAdd{Balance: int64(op.Points), BizID: string(op.BizID), CustomerID: op.MemberID, Reason: op.Reason,
		SourceType: op.SourceType, PointsChannel: op.PointsChannel}
	for _, f := range edit {
		f(&call)
	}
	if reply := r.client.AddPoints(r.t.Context(), call); reply.Outcome != vendorapi.Applied {
		r.t.Fatalf("grant %s: %+v", op.BusinessKey, reply)
	}
}

// end writes the posting of an order, some time ago.
func (r *reader) end(order, kind, evidence string, ago time.Duration) {
	r.t.Helper()
	r.exec(`WITH gone AS (DELETE FROM outbox x USING operations o WHERE o.id = x.operation_id AND o.business_key = $1 RETURNING o.id)
	        INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, posted_at)
	        SELECT id, $2, $3, $4, 1, now() - $5::interval FROM gone`, order, kind, evidence, member, ago)
}

// set puts an order's outbox row into a state.
func (r *reader) set(order, state, cause string, sentAgo time.Duration, inDoubt bool) {
	r.t.Helper()
	r.exec(`UPDATE outbox SET state = $2, cause = NULLIF($3, ''), in_doubt = $5,
	               first_sent_at = CASE WHEN $5 THEN now() - $4::interval END
	          FROM operations o WHERE o.id = operation_id AND o.business_key = $1`, order, state, cause, sentAgo, inDoubt)
}

func (r *reader) insert(points int64, spent bool, text string) {
	r.t.Helper()
	if err := r.vendor.InsertRow(member, points, spent, text); err != nil {
		r.t.Fatal(err)
	}
}

// memberView is the first account of what `replay member --json` prints.
func (r *reader) memberView(args ...string) *records.MemberAccount {
	r.t.Helper()
	var report records.MemberReport
	r.json(&report, append([]string{"member"}, args...)...)
	if len(report.Accounts) != 1 {
		r.t.Fatalf("%d accounts", len(report.Accounts))
	}
	return report.Accounts[0]
}

// kinds are the differences as "kind count points" by kind.
func kindsOf(a *records.MemberAccount) map[records.Finding]records.Tally {
	found := map[records.Finding]records.Tally{}
	for _, d := range a.Differences {
		sum := found[d.Kind]
		sum.Count, sum.Points = sum.Count+d.Count, sum.Points+d.Points
		found[d.Kind] = sum
	}
	return found
}

func echoing() sim.Config {
	return sim.Config{Zhimai: sim.ZhimaiConfig{Records: sim.RecordsConfig{EchoReason: true}}}
}

// Everything that the ledger and the records can have to do with each other,
// where the vendor shows our references.
func TestMemberSideBySide(t *testing.T) {
	t.Parallel()
	r := newReader(t, echoing())
	r.grant(r.record("SO-both"))
	r.end("SO-both", "posted", "answered", 0)
	r.record("SO-lost")
	r.end("SO-lost", "posted", "answered", 0)
	r.exec(`ALTER TABLE postings DISABLE TRIGGER USER`)
	r.exec(`UPDATE postings SET posted_at = now() - interval '10 minutes' WHERE operation_id = 2`)
	r.record("SO-fresh")
	r.end("SO-fresh", "posted", "answered", 0)
	r.grant(r.record("SO-differ"), func(c *zhimai.PointsAdd) { c.Balance = 99 })
	r.end("SO-differ", "posted", "answered", 0)
	twice := r.record("SO-twice")
	r.grant(twice)
	r.grant(twice, func(c *zhimai.PointsAdd) { c.BizID = "another" })
	r.end("SO-twice", "posted", "answered", 0)
	r.grant(r.record("SO-doubt"))
	r.set("SO-doubt", "parked", "attempts_exhausted", time.Minute, true)
	r.record("SO-absent") // but for a record with a reference that nobody knows
	r.set("SO-absent", "parked", "attempts_exhausted", time.Minute, true)
	seen := r.record("SO-seen")
	r.grant(seen)
	r.set("SO-seen", "parked", "refused", 0, false)
	r.record("SO-parked")
	r.set("SO-parked", "parked", "refused", 0, false)
	r.grant(r.record("SO-void"))
	r.end("SO-void", "voided", "manual", 0)
	r.record("SO-way")
	r.record("SO-zero", func(o *ledger.Operation) { o.Points = 0 })
	r.grant(twice, func(c *zhimai.PointsAdd) { c.BizID, c.Reason = "lost", "订单SO-gone #"+ledger.ReferenceOf("gone") })
	r.insert(50, false, "门店消费")
	r.insert(30, true, "积分兑换优惠券")

	a := r.memberView(member)
	want := map[records.Finding]records.Tally{records.AppliedAgain: {Count: 1, Points: 100}, records.PointsDiffer: {Count: 1, Points: 100}, records.OpenSeen: {Count: 1, Points: 100}, records.VoidedSeen: {Count: 1, Points: 100},
		records.NotInRecords: {Count: 1, Points: 100}, records.UnknownReference: {Count: 1, Points: 100}, records.DoubtSeen: {Count: 1, Points: 100}, records.DoubtMaybe: {Count: 1, Points: 100}, records.ParkedUnseen: {Count: 1, Points: 100},
		records.UnderWay: {Count: 1, Points: 100}, records.JustPosted: {Count: 1, Points: 100}, records.OtherAward: {Count: 1, Points: 50}, records.OtherSpent: {Count: 1, Points: 30}}
	got := kindsOf(a)
	for kind, sum := range want {
		if got[kind] != sum {
			t.Errorf("%s: got %+v, want %+v", kind, got[kind], sum)
		}
	}
	if len(got) != len(want) {
		t.Errorf("differences %+v", got)
	}
	sums := records.MemberSums{Posted: records.Tally{Count: 5, Points: 500}, Waiting: records.Tally{Count: 1, Points: 100}, Parked: records.Tally{Count: 4, Points: 400}, InDoubt: records.Tally{Count: 2, Points: 200}, Voided: records.Tally{Count: 1, Points: 100}, NothingToSend: 1}
	if a.Ledger != sums || a.Vendor.State != records.VendorRead || !a.ShowsReferences || a.Records.Others != (records.Tally{Count: 1, Points: 50}) || a.Records.Spent != (records.Tally{Count: 1, Points: 30}) {
		t.Errorf("ledger %+v, records %+v, vendor %+v", a.Ledger, a.Records, a.Vendor)
	}
	out := r.must(0, "member", member)
	contains(t, out, "Member "+member+" at zhimai", "status normal", "our ledger posted 500 points (5)", "of these in doubt 200 points (2)",
		"Posted and in the vendor's records, by our reference: 2 of 5 operations.",
		"1 record (100 points) too many", "the records show our reference with 99 points", "replay settle "+string(seen.BizID)+" --evidence",
		"Missing at the vendor: 1 operation (100 points)", "replay show 2", "replay show "+ledger.ReferenceOf("gone"),
		"looked up and posted, not sent again: replay run --biz-id", "1 record (50 points) from other sources", "no fault",
		"the workers send it by themselves", "= in both, by our reference")
	if first, last := strings.Index(out, "SO-zero"), strings.LastIndex(out, "SO-lost"); first < 0 || last < first {
		t.Errorf("not newest first: %s", out)
	}

	r.exec(`UPDATE postings SET posted_at = now() - interval '2 hours' WHERE operation_id = 2`)
	r.exec(`ALTER TABLE operations DISABLE TRIGGER USER`)
	r.exec(`UPDATE operations SET recorded_at = now() - interval '2 hours', broker_time = now() - interval '2 hours' WHERE id = 2`)
	since := r.memberView(member, "--since", "1h", "--limit", "2")
	if since.OlderRows != 1 || since.Ledger.Posted != (records.Tally{Count: 4, Points: 400}) || len(since.Rows) != 2 || since.MoreRows != len(a.Rows)-3 {
		t.Errorf("since: older %d, posted %+v, rows %d, more %d", since.OlderRows, since.Ledger.Posted, len(since.Rows), since.MoreRows)
	}
	contains(t, r.must(0, "member", member, "--since", "1h", "--limit", "2"), "1 row before that, not counted", "older rows not shown")
}

// Where the vendor does not show our references, what fits is a guess and says
// so, and a missing record proves nothing of what is in doubt.
func TestMemberByGuess(t *testing.T) {
	t.Parallel()
	r := newReader(t, sim.Config{})
	r.grant(r.record("SO-1"))
	r.end("SO-1", "posted", "answered", 0)
	r.insert(77, false, "会员生日礼")
	r.record("SO-2", func(o *ledger.Operation) { o.Points = 200 })
	r.set("SO-2", "parked", "attempts_exhausted", time.Minute, true)
	maybe := r.record("SO-3", func(o *ledger.Operation) { o.Points = 300 })
	r.grant(maybe)
	r.set("SO-3", "parked", "attempts_exhausted", time.Minute, true)
	r.grant(r.record("SO-4", func(o *ledger.Operation) { o.Points = 400 }))
	r.set("SO-4", "parked", "refused", 0, false) // not in doubt: no guess is made

	a := r.memberView(member)
	got := kindsOf(a)
	want := map[records.Finding]records.Tally{records.OtherAward: {Count: 2, Points: 477}, records.DoubtOpen: {Count: 1, Points: 200}, records.DoubtMaybe: {Count: 1, Points: 300}, records.ParkedUnseen: {Count: 1, Points: 400}}
	for kind, sum := range want {
		if got[kind] != sum {
			t.Errorf("%s: got %+v, want %+v", kind, got[kind], sum)
		}
	}
	if len(got) != len(want) || a.ShowsReferences || a.Records.Guessed != (records.Tally{Count: 2, Points: 400}) {
		t.Errorf("differences %+v, records %+v", got, a.Records)
	}
	contains(t, r.must(0, "member", member), "by points and time (a guess, as", "~ in both, by points and time (a guess)",
		"that proves nothing: the vendor is not known to show our references", "it may be this one")
}

// A frozen member, a name, a mobile number and cards: nothing private is shown.
func TestMemberHidesPrivateData(t *testing.T) {
	t.Parallel()
	const mobile = "13812345678"
	r := newReader(t, sim.Config{Members: sim.MembersConfig{Frozen: []string{mobile}, StartBalance: 1234},
		Zhimai: sim.ZhimaiConfig{Records: sim.RecordsConfig{EchoReason: true}}})
	r.record(mobile+"/2026-11-20", func(o *ledger.Operation) { o.MemberID, o.Reason = mobile, "签到 "+mobile+" #"+o.Reference })
	r.set(mobile+"/2026-11-20", "parked", "refused", 0, false)
	for _, text := range []string{"储值卡6225880212345678 手机13987654321", "会员5678 u" + mobile} {
		if err := r.vendor.InsertRow(mobile, 5, false, text); err != nil {
			t.Fatal(err)
		}
	}
	out := r.must(0, "member", mobile)
	contains(t, out, "Member 138****5678 at zhimai", "who 会**", "FROZEN", "balance 1,244 points", "138****5678/2026-11-20", "储值卡****5678",
		"unfrozen there")
	_, asJSON, _ := r.run("member", mobile, "--json")
	for _, text := range []string{out, asJSON} {
		for _, private := range []string{mobile, "13987654321", "6225880212345678", "会员5678"} {
			if strings.Contains(text, private) {
				t.Errorf("%s is shown in %s", private, text)
			}
		}
	}

	// This member has gift cards; the simulator makes their numbers of the id.
	const holder = "70000000000000000"
	for i := range 20 {
		id := holder + string(rune('0'+i%10)) + string(rune('0'+i/10))
		cards, reply := r.client.MyCards(t.Context(), id, true)
		if reply.Outcome != vendorapi.Applied || len(cards) == 0 {
			continue
		}
		out := r.must(0, "member", id)
		contains(t, out, "gift card ****"+cards[0].ID[len(cards[0].ID)-4:], "balance ")
		if strings.Contains(out, cards[0].ID) {
			t.Errorf("a card's number is shown: %s", out)
		}
		return
	}
	t.Error("no member with gift cards was found")
}

// A scanned code leads to its member through the vendor, and through the ledger
// where the vendor cannot be asked.
func TestMemberByScannedCode(t *testing.T) {
	t.Parallel()
	r := newReader(t, sim.Config{Members: sim.MembersConfig{UserCodes: map[string]string{"SCAN-1": member}},
		Zhimai: sim.ZhimaiConfig{Records: sim.RecordsConfig{EchoReason: true}}})
	coded := func(o *ledger.Operation) { o.MemberID, o.MemberCode = "", "SCAN-1" }
	r.record("SO-posted", coded)
	r.end("SO-posted", "posted", "answered", 0)
	r.record("SO-open", func(o *ledger.Operation) { o.MemberID, o.MemberCode = "", "SCAN-2" })
	r.exec(`UPDATE outbox SET resolved_member_id = $1`, member)
	r.record("SO-unresolved", coded)
	r.record("SO-id")
	r.record("SO-else", func(o *ledger.Operation) { o.MemberID = "42" })

	orders := func(a *records.MemberAccount) string {
		var list []string
		for _, row := range a.Rows {
			list = append(list, row.Operation.BusinessKey)
		}
		return strings.Join(list, " ")
	}
	a := r.memberView("SCAN-1")
	if a.MemberID != member || a.MemberCode != "SCAN-1" || a.Ledger.Posted.Count != 1 || a.Ledger.Waiting.Count != 3 {
		t.Errorf("by code: %s %s: %s", a.MemberID, a.MemberCode, orders(a))
	}
	contains(t, r.must(0, "member", "SCAN-1"), "Member "+member+", from scanned code SCAN-1")
	a = r.memberView(member)
	if a.Ledger.Posted.Count != 1 || a.Ledger.Waiting.Count != 2 {
		t.Errorf("by id: %s", orders(a))
	}
	// Without the vendor, the posting says whose code it was.
	r.env = r.env[:1]
	a = r.memberView("SCAN-1")
	if a.MemberID != member || a.Ledger.Posted.Count != 1 || a.Ledger.Waiting.Count != 3 || a.Vendor.State != records.VendorOff {
		t.Errorf("without the vendor: %s: %s", a.MemberID, orders(a))
	}
	// An ended operation is not looked for beyond --since; an open one is there.
	r.exec(`ALTER TABLE operations DISABLE TRIGGER USER`)
	r.exec(`UPDATE operations SET recorded_at = recorded_at - interval '91 days' WHERE business_key = 'SO-posted'`)
	a = r.memberView("SCAN-1")
	if a.Ledger.Posted.Count != 0 || !a.ScanEnded {
		t.Errorf("looked through more than 90 days: %s, cut off %v", orders(a), a.ScanEnded)
	}
	contains(t, r.must(0, "member", "SCAN-1"), "--since goes further back")
	if a = r.memberView("SCAN-1", "--since", "92d"); a.Ledger.Posted.Count != 1 {
		t.Errorf("--since 92d: %s", orders(a))
	}
}

func TestMemberWithoutTheVendor(t *testing.T) {
	t.Parallel()
	r := newReader(t, echoing())
	r.grant(r.record("SO-1"))
	r.end("SO-1", "posted", "answered", 0)
	r.record("SO-2")
	r.set("SO-2", "parked", "attempts_exhausted", time.Minute, true)
	with := r.env

	r.env = r.env[:1]
	out := r.must(0, "member", member)
	contains(t, out, "the vendor was not asked: ZHIMAI_OPEN_ID", "posted 100 points (1)", "The records were not read", "replay run --biz-id")
	if strings.Contains(out, "Missing at the vendor") || strings.Contains(out, "Posted and in") {
		t.Errorf("it compares with records that it has not: %s", out)
	}
	contains(t, r.must(1, "member", "4711"), "nobody is known as 4711", "ZHIMAI_OPEN_ID")
	r.must(2, "member", member, "--account", "nowhere")
	r.must(2, "member", " ")
	r.must(2, "member")
	r.must(2, "member", member, "--since", "yesterday")
	r.must(2, "member", member, "--limit", "0")

	r.env = with
	if err := r.vendor.SetOpenKey("another"); err != nil {
		t.Fatal(err)
	}
	contains(t, r.must(3, "member", member), "NOT READ who the member is: the vendor said no", "40101", "posted 100 points", "the vendor did not say all of it")
	r.stop()
	out = r.must(3, "member", member)
	contains(t, out, "NOT READ who the member is: the vendor could not be reached", "posted 100 points (1)")
	if strings.Contains(out, "Missing at the vendor") {
		t.Errorf("a vendor that is away has no records, it says: %s", out)
	}
	contains(t, r.must(3, "member", "4711"), "no operations", "could not be reached")
}

// Records that cannot be read while the rest can.
func TestMemberWhenRecordsFail(t *testing.T) {
	t.Parallel()
	r := newReader(t, echoing())
	r.record("SO-1")
	r.end("SO-1", "posted", "answered", 0)
	if err := r.vendor.SetFaults(sim.Zhimai, sim.Faults{Rates: map[sim.FaultKind]float64{sim.HTMLBefore: 1}, MaxPerKey: -1}); err != nil {
		t.Fatal(err)
	}
	contains(t, r.must(3, "member", member), "NOT READ", "the vendor gave no clear answer", "posted 100 points (1)")
}

// A member of Kylin: the ledger alone, and Zhimai is not told of the id.
func TestMemberAtKylin(t *testing.T) {
	t.Parallel()
	r := newReader(t, echoing())
	r.record("SO-1", func(o *ledger.Operation) {
		o.Account, o.Kind, o.SourceType, o.PointsChannel, o.MemberID = "kylin", ledger.FreezePoint, 0, 0, "700"
	})
	r.exec(`UPDATE outbox SET state = 'parked', cause = 'key_memory_over', in_doubt = true, first_sent_at = now() - interval '2 days'`)
	reads := r.vendor.Totals(sim.Zhimai).Reads
	out := r.must(0, "member", "700")
	contains(t, out, "Member 700 at kylin", "no call that reads", "parked 100 points (1)", "replay show 1")
	if strings.Contains(out, "at zhimai") || r.vendor.Totals(sim.Zhimai).Reads != reads {
		t.Errorf("Zhimai was asked: %s", out)
	}
	if a := r.memberView("700", "--account", "kylin"); a.Vendor.State != records.VendorNoReads {
		t.Errorf("vendor %+v", a.Vendor)
	}
}

// A member that only the vendor knows is shown; one that nobody knows is not.
func TestMemberUnknownToTheLedger(t *testing.T) {
	t.Parallel()
	r := newReader(t, sim.Config{Members: sim.MembersConfig{Unknown: []string{"404"}}})
	contains(t, r.must(0, "member", "42"), "Member 42 at zhimai", "balance 0 points", "no operations", "There is nothing of this member here")
	contains(t, r.must(1, "member", "404"), "nobody is known as 404", "40401")
	contains(t, r.must(1, "member", "NOT-A-CODE"), "nobody is known as NOT-A-CODE")
	// A success whose id is 0 is no member 0.
	if err := r.vendor.SetIdentity(sim.IdentityConfig{Nobody: sim.NobodyZero}); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"404", "NOT-A-CODE"} {
		out := r.must(1, "member", text)
		contains(t, out, "nobody is known as "+text, `the vendor names no member: its user_info has id "0"`)
	}
}

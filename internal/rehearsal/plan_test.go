package rehearsal

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestGenerateIsDeterministic(t *testing.T) {
	o := Options{Events: 1500, Seed: 7, Now: noon, Kylin: true}
	a, b := Generate(o), Generate(o)
	if !reflect.DeepEqual(a, b) {
		t.Error("two plans of one seed differ")
	}
	o.Seed = 8
	if reflect.DeepEqual(a.Messages[0], Generate(o).Messages[0]) {
		t.Error("another seed gives the same first message")
	}
}

// The plan is consistent in itself, for many seeds and sizes.
func TestPlanIsConsistent(t *testing.T) {
	for seed := range uint64(20) {
		for _, events := range []int{0, 1, 2, 3, 10, 57, 400} {
			checkPlan(t, Options{Events: events, Seed: seed, Now: noon, Kylin: seed%2 == 0})
		}
	}
	checkPlan(t, Options{Events: 8000, Seed: 99, Now: noon, Kylin: true})
}

func checkPlan(t *testing.T, o Options) {
	t.Helper()
	p := Generate(o)
	c := p.Counts
	if len(p.Messages) != o.Events || c.Accepted+c.Duplicates+c.Rejected != o.Events {
		t.Errorf("%+v: %d messages, counts %+v", o, len(p.Messages), c)
	}
	rejected := 0
	for _, n := range c.RejectedByCode {
		rejected += n
	}
	if rejected != c.Rejected || c.Operations != len(p.Truth) || c.Operations < c.Accepted {
		t.Errorf("%+v: counts %+v do not add up", o, c)
	}
	for i, m := range p.Messages {
		e := m.Expect
		if !strings.HasPrefix(m.Subject, "points.events.") || (e.Code != "") != (e.Verdict == Rejected) {
			t.Errorf("%+v: message %d: subject %q, expect %+v", o, i, m.Subject, e)
		}
		if repeats := e.Verdict == Duplicate || e.Code == "conflict"; repeats != (e.Of >= 0) || e.Of >= i {
			t.Errorf("%+v: message %d repeats %d", o, i, e.Of)
		} else if repeats {
			if p.Messages[e.Of].Expect.Verdict != Accepted {
				t.Errorf("%+v: message %d repeats one that is not accepted", o, i)
			}
			if m.Header["Nats-Msg-Id"] != nil {
				t.Errorf("%+v: message %d: the broker would hide this repeat", o, i)
			}
		}
		if e.Verdict != Rejected && !json.Valid(bytes.TrimPrefix(m.Payload, []byte("\xef\xbb\xbf"))) {
			t.Errorf("%+v: message %d is not JSON: %s", o, i, m.Payload)
		}
	}
	seen := map[fact]bool{}
	perMessage := map[int]int{}
	for _, e := range p.Truth {
		f := fact{e.Account, e.Kind, e.Type, e.Source, e.BusinessKey}
		if seen[f] {
			t.Errorf("%+v: %v stands twice in the truth", o, f)
		}
		seen[f] = true
		perMessage[e.Message]++
		if p.Messages[e.Message].Expect.Verdict != Accepted || e.Points < 0 || e.Points > 100_000 {
			t.Errorf("%+v: wrong truth %+v", o, e)
		}
		if e.Frozen && (e.Account != "zhimai" || !strings.HasSuffix(e.Member, "000")) || !e.Frozen && e.Points > 0 && strings.HasSuffix(e.Member, "000") {
			t.Errorf("%+v: frozen is wrong in %+v", o, e)
		}
		if e.Account == "kylin" && !o.Kylin {
			t.Errorf("%+v: a freeze without Kylin: %+v", o, e)
		}
	}
	if len(perMessage) != c.Accepted {
		t.Errorf("%+v: %d of %d accepted messages have operations", o, len(perMessage), c.Accepted)
	}
}

// The truth says what the payload says, read by a plain JSON decoder.
func TestTruthFollowsFromThePayload(t *testing.T) {
	p := Generate(Options{Events: 6000, Seed: 5, Now: noon, Kylin: true})
	zhimai, kylin := map[int]Expected{}, map[int]Expected{}
	for _, e := range p.Truth {
		if e.Account == "zhimai" {
			zhimai[e.Message] = e
		} else {
			kylin[e.Message] = e
		}
	}
	type body struct {
		OrderID, ReviewID string
		Member            *struct{ CustomerID, UserCode, MemberID string }
		AmountFen         *int64
		Points            *int64
		PointsUsed        int64
		HasPhoto          bool
	}
	for i, m := range p.Messages {
		if m.Expect.Verdict != Accepted {
			continue
		}
		var data body
		raw := m.Payload
		if m.Header["ce-specversion"] == nil {
			var envelope struct{ Data json.RawMessage }
			if err := json.Unmarshal(raw, &envelope); err != nil {
				t.Fatal(err)
			}
			raw = envelope.Data
		}
		if err := json.Unmarshal(raw, &data); err != nil {
			t.Fatal(err)
		}
		e, want := zhimai[i], int64(0)
		switch e.Type {
		case typeOrder:
			want = (*data.AmountFen - *data.AmountFen%100) / 100
		case typeCheckIn:
			want = 5
		case typeReview:
			want = 10
			if data.HasPhoto {
				want = 20
			}
		}
		if data.Points != nil {
			want = *data.Points
		}
		if data.Member == nil {
			want = 0
		} else if data.Member.CustomerID+strings.TrimPrefix(data.Member.UserCode, "UC") != e.Member || data.Member.UserCode != e.Code {
			t.Errorf("message %d: member %+v, truth %+v", i, data.Member, e)
		}
		if e.Points != want {
			t.Errorf("message %d: truth has %d points, the payload says %d: %s", i, e.Points, want, raw)
		}
		if key := data.OrderID; e.Type == typeOrder && key != e.BusinessKey || e.Type == typeReview && data.ReviewID != e.BusinessKey {
			t.Errorf("message %d: key %q is not in %s", i, e.BusinessKey, raw)
		}
		if f := kylin[i]; f.Points != data.PointsUsed || f.Points > 0 && f.Member != data.Member.MemberID {
			t.Errorf("message %d: freeze %+v, the payload says %d", i, f, data.PointsUsed)
		}
	}
}

// The mix that the demo promises.
func TestMix(t *testing.T) {
	for _, events := range []int{20, 100, 999, 5000} {
		for seed := range uint64(5) {
			p := Generate(Options{Events: events, Seed: seed, Now: noon, Kylin: true})
			garbage := p.Counts.Rejected - p.Counts.RejectedByCode["conflict"]
			if p.Counts.Duplicates*100 < 5*events || garbage*100 < 2*events || p.Counts.Accepted*100 < 75*events {
				t.Errorf("%d events, seed %d: %+v", events, seed, p.Counts)
			}
		}
	}
	p := Generate(Options{Events: 10_000, Seed: 1, Now: noon, Kylin: true})
	types, about, channels, headers := map[string]int{}, map[string]int{}, 0, map[string]int{}
	for _, e := range p.Truth {
		if e.Account == "zhimai" {
			types[e.Type]++
		}
	}
	for _, m := range p.Messages {
		about[m.Expect.About]++
		for name := range m.Header {
			headers[name]++
		}
		if bytes.Contains(m.Payload, []byte(`"channel":3`)) {
			channels++
		}
	}
	share := func(n int) int { return n * 100 / p.Counts.Accepted }
	if o, c, r := share(types[typeOrder]), share(types[typeCheckIn]), share(types[typeReview]); o < 67 || o > 73 || c < 15 || c > 21 || r < 9 || r > 15 {
		t.Errorf("orders %d %%, check-ins %d %%, reviews %d %%", o, c, r)
	}
	if p.Counts.RejectedByCode["conflict"] < 80 || p.Counts.Parked < 10 || p.Counts.Parked > 100 || p.Counts.NothingToSend < 200 || p.Counts.KylinPoints == 0 || channels == 0 {
		t.Errorf("counts %+v, channel 3 %d times", p.Counts, channels)
	}
	for _, kind := range garbageKinds(true) {
		if n := about[kind.about]; n == 0 || kind.most > 0 && n > kind.most {
			t.Errorf("garbage %q: %d times", kind.about, n)
		}
	}
	for _, kind := range repeatKinds() {
		if about["repeat: "+kind.about] == 0 {
			t.Errorf("no repeat %q", kind.about)
		}
	}
	for _, oddity := range []string{"18 digits, beyond 2^53", "leading zeros", "emoji in the number", "Chinese in the number", "64 characters",
		"order number of another source", "10 kB of unknown fields", "anonymous sale", "customer id with leading zeros", "same key, another amount", "same key, another channel"} {
		if about[oddity] == 0 {
			t.Errorf("no %q", oddity)
		}
	}
	for _, header := range []string{"ce-id", "ce-type", "ce-source", "ce-specversion", "content-type", "Nats-Msg-Id"} {
		if headers[header] == 0 {
			t.Errorf("no header %s", header)
		}
	}
}

// What garbage claims about itself is so.
func TestGarbageIsWhatItSays(t *testing.T) {
	p := Generate(Options{Events: 5000, Seed: 2, Now: noon, Kylin: true})
	for i, m := range p.Messages {
		valid := json.Valid(m.Payload)
		switch about := m.Expect.About; {
		case about == "GB18030 bytes" && (utf8.Valid(m.Payload) || !bytes.Contains(m.Payload, []byte("\xc3\xc5\xb5\xea"))),
			about == "cut short" && (valid || !utf8.Valid(m.Payload)),
			about == "not JSON" && valid,
			about == "order id with NUL" && !bytes.Contains(m.Payload, []byte(`\u0000`)),
			about == "duplicate key" && bytes.Count(m.Payload, []byte(`"amountFen"`)) != 2,
			about == "amount 1e400" && !bytes.Contains(m.Payload, []byte("1e400")),
			about == "20,000 levels deep" && bytes.Count(m.Payload, []byte("[")) != 20_000,
			about == "300 kB" && len(m.Payload) < 300_000,
			about == "another version of CloudEvents" && !bytes.Contains(m.Payload, []byte(`"0.3"`)):
			t.Errorf("message %d is no %q: %.200s", i, about, m.Payload)
		}
	}
}

func TestOtherAmount(t *testing.T) {
	for raw, want := range map[string]string{"0": "1", "99": "199", "999999": "1999999", "1000000": "1000001", "10000099": "10000098"} {
		if got := otherAmount(raw); got != want {
			t.Errorf("otherAmount(%s) = %s, want %s", raw, got, want)
		}
	}
}

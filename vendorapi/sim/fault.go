package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// FaultKind is one way in which a call goes wrong.
type FaultKind string

// A call draws at most one of these. "Before" kinds do not carry the call out,
// "after" kinds do and then spoil the reply.
const (
	// ApplyThenDrop carries the call out and closes the connection without a
	// byte (half of the time with a reset).
	ApplyThenDrop FaultKind = "apply_then_drop"
	// DropBefore closes the connection and does nothing.
	DropBefore FaultKind = "drop_before"
	// Error500Before and Error500After answer 500.
	Error500Before FaultKind = "500_before"
	Error500After  FaultKind = "500_after"
	// Hang holds the call for HangFor or until the client goes away, then
	// answers 504; nothing is carried out.
	Hang FaultKind = "hang"
	// HangAfter carries the call out, then holds: half of the time before the
	// first byte, half of the time in the middle of the body.
	HangAfter FaultKind = "hang_after"
	// ApplyLate holds for HangFor and then carries the call out, whether or
	// not the client is still there.
	ApplyLate FaultKind = "apply_late"
	// Throttle answers 429 with Retry-After (seconds, or now and then a date).
	Throttle FaultKind = "429"
	// Unauthorised401 answers 401 and opens a window in which every call to
	// the vendor is answered 401. A second window opens no earlier than ten
	// times its length after the first; a draw before that costs one call.
	Unauthorised401 FaultKind = "401_for_a_while"
	// HTMLBefore and HTMLAfter answer an HTML page with status 200, as gateways,
	// firewalls and maintenance pages do; at Kylin now and then with 201 or 502.
	HTMLBefore FaultKind = "html_before"
	HTMLAfter  FaultKind = "html_after"
	// CutJSON carries the call out and sends half of the reply, or promises
	// more bytes than it sends.
	CutJSON FaultKind = "cut_json"
	// StatusFalseBefore and StatusFalseAfter answer Zhimai's "system error",
	// status false with a code of the global table; Kylin answers 503, or 200 with
	// a body that says the same.
	StatusFalseBefore FaultKind = "status_false_before"
	StatusFalseAfter  FaultKind = "status_false_after"
	// Redirect answers 307 to another path, where a client that follows is
	// counted (Totals.RedirectsFollowed) and gets nothing.
	Redirect FaultKind = "redirect"
	// Oversized carries the call out and pads the reply to 5 MiB.
	Oversized FaultKind = "oversized"
)

// These two are harmless: they change how a right answer is written, are drawn
// apart from the others, and do not count as faults for MaxPerKey.
const (
	// StringBooleans writes status as "true", code as "0" and numbers as
	// strings, as the examples of the Zhimai pages do. Kylin answers 201.
	StringBooleans FaultKind = "string_booleans"
	// WrongTypes writes code as a string and an empty data as an object, or
	// leaves it out. Kylin answers 204 without a body.
	WrongTypes FaultKind = "wrong_types"
)

var (
	harmfulKinds = []FaultKind{ApplyThenDrop, DropBefore, Error500Before, Error500After, Hang, HangAfter, ApplyLate,
		Throttle, Unauthorised401, HTMLBefore, HTMLAfter, CutJSON, StatusFalseBefore, StatusFalseAfter, Redirect, Oversized}
	harmlessKinds = []FaultKind{StringBooleans, WrongTypes}
)

// FaultKinds lists all kinds, the harmless ones last.
func FaultKinds() []FaultKind { return slices.Concat(harmfulKinds, harmlessKinds) }

// Faults is how often a vendor misbehaves. The zero value never does.
type Faults struct {
	// Rates per kind, 0 to 1; those of the harmful kinds add up to at most 1.
	Rates map[FaultKind]float64
	// MaxPerKey is how many harmful faults in a row a key can have; the next
	// call of it is spared, so that every run ends. 0 means 6, negative means
	// no cap. Calls inside a 401 window or an outage do not count.
	MaxPerKey int
	// HangFor is how long held calls are held. 0 means 3 s. It must exceed the
	// client's timeout to be noticed.
	HangFor time.Duration
	// RetryAfter is what a 429 asks for, in whole seconds, rounded up. 0 means
	// 1 s.
	RetryAfter time.Duration
	// UnauthorisedFor is the length of a 401 window. 0 means 300 ms.
	UnauthorisedFor time.Duration
}

// FaultsPreset returns a named set of faults: "none"; "light", about 5 % of
// the calls; "heavy", about 25 %, every kind present. What costs a caller time
// (hangs, 429, 401 windows) is rare and short in both: 5,000 events against
// "heavy" end within about a minute with a client timeout of 2 s.
func FaultsPreset(name string) (Faults, error) {
	heavy := map[FaultKind]float64{
		ApplyThenDrop: 0.05, DropBefore: 0.03, Error500Before: 0.03, Error500After: 0.04,
		Hang: 0.001, HangAfter: 0.002, ApplyLate: 0.001, Throttle: 0.001, Unauthorised401: 0.0005,
		HTMLBefore: 0.015, HTMLAfter: 0.015, CutJSON: 0.03, StatusFalseBefore: 0.015, StatusFalseAfter: 0.015,
		Redirect: 0.004, Oversized: 0.0005,
	}
	f := Faults{MaxPerKey: 6, HangFor: 3 * time.Second, RetryAfter: time.Second, UnauthorisedFor: 300 * time.Millisecond}
	switch name {
	case "none", "":
		return f, nil
	case "heavy":
		f.Rates = heavy
		f.Rates[StringBooleans], f.Rates[WrongTypes] = 0.2, 0.1
		return f, nil
	case "light":
		f.Rates = make(map[FaultKind]float64, len(heavy)+2)
		for kind, rate := range heavy {
			f.Rates[kind] = rate / 5
		}
		f.Rates[StringBooleans], f.Rates[WrongTypes] = 0.05, 0.02
		return f, nil
	}
	return Faults{}, fmt.Errorf("unknown faults preset %q: want none, light or heavy", name)
}

func (f Faults) withDefaults() Faults {
	if f.MaxPerKey == 0 {
		f.MaxPerKey = 6
	}
	if f.HangFor == 0 {
		f.HangFor = 3 * time.Second
	}
	if f.RetryAfter == 0 {
		f.RetryAfter = time.Second
	}
	if f.UnauthorisedFor == 0 {
		f.UnauthorisedFor = 300 * time.Millisecond
	}
	return f
}

func (f Faults) validate() error {
	var errs []error
	known, sum := FaultKinds(), 0.0
	for kind, rate := range f.Rates {
		if !slices.Contains(known, kind) {
			errs = append(errs, fmt.Errorf("unknown kind %q", kind))
		}
		if !(rate >= 0 && rate <= 1) {
			errs = append(errs, fmt.Errorf("%s: want a rate from 0 to 1, got %v", kind, rate))
		}
		if !slices.Contains(harmlessKinds, kind) {
			sum += rate
		}
	}
	if sum > 1+1e-9 {
		errs = append(errs, fmt.Errorf("rates add up to %v, want at most 1", sum))
	}
	if f.HangFor < 0 || f.RetryAfter < 0 || f.UnauthorisedFor < 0 {
		errs = append(errs, errors.New("durations: want 0 or more"))
	}
	return errors.Join(errs...)
}

// faultTable is Faults made ready for drawing; it is never changed.
type faultTable struct {
	Faults
	kinds  []FaultKind
	limits []float64 // cumulative, one per kind
}

func compileFaults(f Faults) faultTable {
	t := faultTable{Faults: f.withDefaults()}
	sum := 0.0
	for _, kind := range harmfulKinds {
		if rate := f.Rates[kind]; rate > 0 {
			sum += rate
			t.kinds = append(t.kinds, kind)
			t.limits = append(t.limits, sum)
		}
	}
	return t
}

// form is how a right answer is written.
type form int

const (
	plainForm form = iota
	stringForm
	oddForm
)

// plan is what one call will meet.
type plan struct {
	fault FaultKind // empty: none
	form  form
	bits  uint64 // picks among variants of a kind
}

// draws is what a key has met so far. The zero value is a new key.
type draws struct {
	count int // faults drawn, including "none"
	inRow int // harmful ones since the last spared call
}

// next draws the fault of the next call; it depends on nothing but the table,
// the key's hash and the key's own history.
func (d *draws) next(t *faultTable, keyHash uint64) plan {
	d.count++
	x := mix(keyHash + uint64(d.count)*0x9e3779b97f4a7c15)
	p := plan{bits: mix(x + 2)}
	if u, n := unit(x), len(t.kinds); n > 0 && u < t.limits[n-1] {
		for i, limit := range t.limits {
			if u < limit {
				p.fault = t.kinds[i]
				break
			}
		}
	}
	u := unit(mix(x + 1))
	switch {
	case u < t.Rates[StringBooleans]:
		p.form = stringForm
	case u < t.Rates[StringBooleans]+t.Rates[WrongTypes]:
		p.form = oddForm
	}
	switch {
	case p.fault == "":
		d.inRow = 0
	case t.MaxPerKey >= 0 && d.inRow >= t.MaxPerKey:
		p.fault, d.inRow = "", 0
	default:
		d.inRow++
	}
	return p
}

// hashKey is FNV-1a over seed, vendor and key, mixed. It is the same in every
// process, unlike the hash of a Go map.
func hashKey(seed uint64, vendor, key string) uint64 {
	h := mix(seed ^ 0xcbf29ce484222325)
	for _, s := range [...]string{vendor, "\x00", key} {
		for i := 0; i < len(s); i++ {
			h = (h ^ uint64(s[i])) * 0x100000001b3
		}
	}
	return mix(h)
}

// mix is the finaliser of splitmix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// unit maps 64 random bits to [0, 1).
func unit(x uint64) float64 { return float64(x>>11) / (1 << 53) }

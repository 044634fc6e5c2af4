package sim

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Vendor names one of the two simulated vendors.
type Vendor string

const (
	Zhimai Vendor = "zhimai"
	Kylin  Vendor = "kylin"
)

// index is the vendor's place in arrays; ok is false for an unknown name.
func (v Vendor) index() (i int, ok bool) {
	switch v {
	case Zhimai:
		return 0, true
	case Kylin:
		return 1, true
	}
	return 0, false
}

var vendorNames = [...]Vendor{Zhimai, Kylin}

// Config is everything about a simulator. The zero value is a friendly vendor:
// no faults, repeats answer success, keys remembered for ever, records of
// shape A without the reason.
type Config struct {
	// Seed of all draws; see the package comment.
	Seed uint64
	// Latency is added to every vendor call before it is carried out. A client
	// that goes away meanwhile does not stop the call. 0 adds nothing.
	Latency time.Duration
	Zhimai  ZhimaiConfig
	Kylin   KylinConfig
	Members MembersConfig
	// TakesBack offers calls that the vendors' pages do not have: points-deduct at
	// Zhimai, unfreezePoint and consumePoint at Kylin. False: nobody knows them.
	TakesBack bool
	// MaxKeys bounds the book, both vendors together; a new key beyond it is
	// answered 503 and not applied. 0 means 2,000,000 (about 0.5 GB).
	MaxKeys int
	// NoControl switches the paths under /_sim/ off.
	NoControl bool
	// Now is the vendor's clock; nil means time.Now.
	Now func() time.Time
}

// The credentials of a simulator that was given none. They are not secrets.
const (
	DefaultOpenID    = "sim-open-id"
	DefaultGrantCode = "sim-grant"
	DefaultOpenKey   = "sim-open-key"
)

// DefaultSigningPayload is the signed text, with placeholders. It is an
// assumption: the vendor's signing guide is not among the pages.
const DefaultSigningPayload = "GrantCode={GrantCode}&Nonce={Nonce}&OpenId={OpenId}&Timestamp={Timestamp}"

// ZhimaiConfig is the Zhimai side.
type ZhimaiConfig struct {
	// OpenID, GrantCode and OpenKey are what a caller must know. Empty means
	// the Default constants.
	OpenID    string
	GrantCode string
	OpenKey   string
	// SigningPayload is the text that is signed; {OpenId}, {GrantCode},
	// {Timestamp}, {Nonce} and {Action} stand for the request's fields. Empty
	// means DefaultSigningPayload.
	SigningPayload string
	// PlainToken wants the base64 as it is. False wants it URL-encoded, as in
	// the examples of the pages.
	PlainToken bool
	// TimestampSkew is how far Timestamp may be from the clock. 0 means 10
	// minutes, negative means that any number will do.
	TimestampSkew time.Duration
	Dedup         Dedup
	Records       RecordsConfig
	Identity      IdentityConfig
	Faults        Faults
	// ReasonMaxChars refuses a longer reason; 0 means no limit (the page
	// gives none).
	ReasonMaxChars int
	// The codes of business exceptions. The pages list none; empty means
	// 40101, 40901, 40401, 40301, 40302 and 40001.
	WrongSignatureCode string
	AlreadyAppliedCode string
	UnknownMemberCode  string
	FrozenMemberCode   string
	BelowZeroCode      string // of points-deduct: the member has less
	BadRequestCode     string
}

// KylinConfig is the Kylin side.
type KylinConfig struct {
	// Headers that every call must carry, or it is answered 401. The page does
	// not say how the gateway authenticates; nil asks for nothing.
	Headers map[string]string
	// MemberType that a call must name; empty accepts any.
	MemberType string
	Dedup      Dedup
	Faults     Faults
	// Body is the body of a success with 200 or 201; the page shows none. Empty
	// means KylinBodyWords.
	Body KylinBody
	// AlreadyAppliedStatus answers a repeat under DedupCode. 0 means 409. (The
	// page promises idempotency and lists no such status.)
	AlreadyAppliedStatus int
}

// KylinBody is a way to write the body of a success.
type KylinBody string

const (
	KylinBodyWords  KylinBody = "words"  // {"code":"200","message":"OK"}
	KylinBodyEmpty  KylinBody = "empty"  // no byte
	KylinBodyObject KylinBody = "object" // {}
	KylinBodyNull   KylinBody = "null"   // null
	KylinBodyData   KylinBody = "data"   // an object with other names
)

func (b KylinBody) validate() error {
	switch b {
	case KylinBodyWords, KylinBodyEmpty, KylinBodyObject, KylinBodyNull, KylinBodyData:
		return nil
	}
	return fmt.Errorf("body: want words, empty, object, null or data, got %q", b)
}

// DedupMode says what a repeat of a remembered key does.
type DedupMode string

const (
	// DedupSuccess answers success and applies nothing. It is the default.
	DedupSuccess DedupMode = "success"
	// DedupCode applies nothing and says so: Zhimai with status true and
	// AlreadyAppliedCode, Kylin with AlreadyAppliedStatus.
	DedupCode DedupMode = "code"
	// DedupOff applies every repeat again.
	DedupOff DedupMode = "off"
)

// Dedup is how a vendor treats a key that it applied before.
type Dedup struct {
	// Mode; empty means DedupSuccess.
	Mode DedupMode
	// KeyMemory is how long an applied key is remembered, from the time it was
	// applied. An older key is applied again. 0 means for ever.
	KeyMemory time.Duration
}

// MembersConfig says who is a member. Without any rule every id of 1 to 32
// digits is one (Zhimai), and every id that does not begin with "missing-"
// (Kylin).
type MembersConfig struct {
	// StartBalance is what a Zhimai member has before the first call.
	StartBalance int64
	// Frozen and Unknown list Zhimai members that are refused.
	Frozen  []string
	Unknown []string
	// FrozenSuffix freezes every id that ends so; empty freezes none.
	FrozenSuffix string
	// UserCodes maps scanned codes to ids (identity type 3). Beside it "UC" +
	// digits stands for the id of those digits.
	UserCodes map[string]string
	// Mobiles and Cards map to ids (identity types 1 and 2). Beside them a
	// mobile of 11 digits stands for the id of those digits, and "CARD" +
	// digits for the id of those digits. The password "wrong" is refused.
	Mobiles map[string]string
	Cards   map[string]string
}

// withDefaults fills what zero stands for.
func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MaxKeys == 0 {
		c.MaxKeys = 2_000_000
	}
	z := &c.Zhimai
	for _, d := range []struct {
		field *string
		value string
	}{
		{&z.OpenID, DefaultOpenID}, {&z.GrantCode, DefaultGrantCode}, {&z.OpenKey, DefaultOpenKey},
		{&z.SigningPayload, DefaultSigningPayload},
		{&z.WrongSignatureCode, "40101"}, {&z.AlreadyAppliedCode, "40901"},
		{&z.UnknownMemberCode, "40401"}, {&z.FrozenMemberCode, "40301"}, {&z.BelowZeroCode, "40302"},
		{&z.BadRequestCode, "40001"},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if z.TimestampSkew == 0 {
		z.TimestampSkew = 10 * time.Minute
	}
	z.Records = z.Records.withDefaults()
	z.Identity = z.Identity.withDefaults()
	z.Dedup = z.Dedup.withDefaults()
	c.Kylin.Dedup = c.Kylin.Dedup.withDefaults()
	if c.Kylin.Body == "" {
		c.Kylin.Body = KylinBodyWords
	}
	if c.Kylin.AlreadyAppliedStatus == 0 {
		c.Kylin.AlreadyAppliedStatus = http.StatusConflict
	}
	return c
}

func (d Dedup) withDefaults() Dedup {
	if d.Mode == "" {
		d.Mode = DedupSuccess
	}
	return d
}

// validate names every bad field at once.
func (c Config) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Latency < 0 {
		bad("Latency: want 0 or more, got %v", c.Latency)
	}
	if c.MaxKeys < 0 {
		bad("MaxKeys: want 0 or more, got %d", c.MaxKeys)
	}
	if c.Zhimai.ReasonMaxChars < 0 {
		bad("Zhimai.ReasonMaxChars: want 0 or more, got %d", c.Zhimai.ReasonMaxChars)
	}
	if _, err := compilePayload(c.Zhimai.SigningPayload); err != nil {
		bad("Zhimai.SigningPayload: %w", err)
	}
	if s := c.Kylin.AlreadyAppliedStatus; s < 200 || s > 599 {
		bad("Kylin.AlreadyAppliedStatus: want 200 to 599, got %d", s)
	}
	for _, e := range []struct {
		name string
		err  error
	}{
		{"Zhimai.Dedup", c.Zhimai.Dedup.validate()}, {"Kylin.Dedup", c.Kylin.Dedup.validate()},
		{"Zhimai.Records", c.Zhimai.Records.validate()}, {"Zhimai.Identity", c.Zhimai.Identity.validate()},
		{"Kylin.Body", c.Kylin.Body.validate()},
		{"Zhimai.Faults", c.Zhimai.Faults.validate()}, {"Kylin.Faults", c.Kylin.Faults.validate()},
	} {
		if e.err != nil {
			bad("%s: %w", e.name, e.err)
		}
	}
	return errors.Join(errs...)
}

func (d Dedup) validate() error {
	switch d.Mode {
	case DedupSuccess, DedupCode, DedupOff:
	default:
		return fmt.Errorf("want success, code or off, got %q", d.Mode)
	}
	if d.KeyMemory < 0 {
		return fmt.Errorf("KeyMemory: want 0 or more, got %v", d.KeyMemory)
	}
	return nil
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// compilePayload splits a signing template into literal and field parts, in
// turn: literal, field, literal, field, …, literal.
func compilePayload(template string) ([]string, error) {
	var parts []string
	rest := 0
	for _, at := range placeholder.FindAllStringIndex(template, -1) {
		name := template[at[0]+1 : at[1]-1]
		switch name {
		case "OpenId", "GrantCode", "Timestamp", "Nonce", "Action":
		default:
			return nil, fmt.Errorf("unknown placeholder {%s}", name)
		}
		parts = append(parts, template[rest:at[0]], name)
		rest = at[1]
	}
	if !strings.Contains(template, "{Timestamp}") && !strings.Contains(template, "{Nonce}") {
		return nil, errors.New("want {Timestamp} or {Nonce} in it, or every call has the same token")
	}
	return append(parts, template[rest:]), nil
}

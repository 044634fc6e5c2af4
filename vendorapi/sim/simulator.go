package sim

import (
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	zhimaiPath   = "/api/v2"
	memberPath   = "/openapi/v2/member/"
	kylinPath    = memberPath + actionFreeze
	controlPath  = "/_sim/"
	followedPath = "/_sim/followed"

	maxBodyBytes = 1 << 20
	maxKeyBytes  = 256
)

// Outage is how a vendor is away.
type Outage string

const (
	// OutageOff: the vendor is there. It is the default.
	OutageOff Outage = "off"
	// OutageClose closes every connection at once.
	OutageClose Outage = "close"
	// Outage503 answers 503 to everything.
	Outage503 Outage = "503"
)

// Simulator is both vendors. It is an http.Handler, safe for concurrent use.
type Simulator struct {
	cfg       Config
	payload   []string // the signing template, compiled
	members   *members
	book      *book
	frozen    frozenPoints
	reads     *readDraws
	vendors   [len(vendorNames)]vendorState
	changing  sync.Mutex // one change of settings at a time
	held      holdGate
	ctlRoutes http.Handler

	redirectsFollowed atomic.Int64
	habits            atomic.Uint64 // readings that drew a habit, see drawHabit
}

// vendorState is one vendor's part that changes.
type vendorState struct {
	settings atomic.Pointer[settings]
	counters struct {
		reads, malformed, wrongSignature, inWindow, inOutage atomic.Int64
	}
	window401 window
}

// settings can be changed at run time; a value is never modified, only
// replaced.
type settings struct {
	outage   Outage
	dedup    Dedup
	faults   faultTable
	openKey  string         // Zhimai only
	records  RecordsConfig  // Zhimai only
	identity IdentityConfig // Zhimai only
	body     KylinBody      // Kylin only
}

// New makes a simulator; the error names every bad field of the configuration.
func New(cfg Config) (*Simulator, error) {
	cfg = cfg.withDefaults()
	cfg.Kylin.Headers = maps.Clone(cfg.Kylin.Headers)
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("configure simulator: %w", err)
	}
	payload, err := compilePayload(cfg.Zhimai.SigningPayload)
	if err != nil {
		return nil, fmt.Errorf("configure simulator: %w", err)
	}
	s := &Simulator{cfg: cfg, payload: payload, members: newMembers(cfg.Members),
		book: newBook(cfg.Seed, cfg.MaxKeys), reads: newReadDraws(cfg.Seed)}
	s.vendors[0].settings.Store(&settings{outage: OutageOff, dedup: cfg.Zhimai.Dedup, faults: compileFaults(cfg.Zhimai.Faults),
		openKey: cfg.Zhimai.OpenKey, records: cfg.Zhimai.Records, identity: cfg.Zhimai.Identity})
	s.vendors[1].settings.Store(&settings{outage: OutageOff, dedup: cfg.Kylin.Dedup, faults: compileFaults(cfg.Kylin.Faults),
		body: cfg.Kylin.Body})
	s.frozen.kept = cfg.TakesBack
	s.ctlRoutes = s.controlRoutes()
	return s, nil
}

func (s *Simulator) now() time.Time { return s.cfg.Now() }

// ServeHTTP answers both vendors' paths and the control paths.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case path == followedPath:
		s.redirectsFollowed.Add(1)
		http.Error(w, "a client must not follow this redirect", http.StatusTeapot)
	case strings.HasPrefix(path, controlPath) && !s.cfg.NoControl:
		s.ctlRoutes.ServeHTTP(w, r)
	case s.kylinAction(path) != "":
		s.serveVendor(w, r, 1, s.readKylin)
	case strings.HasSuffix(path, zhimaiPath):
		s.serveVendor(w, r, 0, s.readZhimai)
	case path == "/" && !s.cfg.NoControl:
		_, _ = io.WriteString(w, indexPage) // the client left
	default:
		http.NotFound(w, r)
	}
}

// indexPage is for a person who opens the address in a browser.
const indexPage = `vendor simulator

POST ` + zhimaiPath + `   Zhimai
POST ` + kylinPath + `   Kylin

GET  /_sim/book      every key; ?vendor= and ?key= narrow, ?format=csv
GET  /_sim/totals    the sums, for each vendor
GET  /_sim/config    what can be changed
PUT  /_sim/config    change it
GET  /_sim/healthz
`

// call is one request, understood as far as it can be.
type call struct {
	movement
	// readKey stands in for the dedup key in a call that changes nothing;
	// both are empty when the request makes no sense at all.
	readKey string
	// carryOut does what the call asks for, or refuses it, and returns the
	// answer. It is run at most once.
	carryOut func() answer
}

func (s *Simulator) serveVendor(w http.ResponseWriter, r *http.Request, vendor int, read func(*http.Request, []byte, *settings) call) {
	v := &s.vendors[vendor]
	set := v.settings.Load()
	switch set.outage {
	case OutageClose:
		v.counters.inOutage.Add(1)
		dropConnection(w, false)
		return
	case Outage503:
		v.counters.inOutage.Add(1)
		http.Error(w, "service unavailable", http.StatusServiceUnavailable)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "want POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if err != nil {
		v.counters.malformed.Add(1)
		http.Error(w, "body too large or cut off", http.StatusRequestEntityTooLarge)
		return
	}
	c := read(r, body, set)
	c.vendor = vendor
	inWindow := v.window401.open(s.now())
	if inWindow {
		v.counters.inWindow.Add(1)
	}
	p, ok := s.receive(c, set, inWindow)
	switch {
	case !ok:
		http.Error(w, "the simulator's book is full", http.StatusServiceUnavailable)
	case inWindow:
		writeReply(w, unauthorisedReply())
	default:
		s.held.hold(context.Background(), s.cfg.Latency)
		s.perform(w, r, vendor, set, p, c.carryOut)
	}
}

// receive books the call and draws its fault.
func (s *Simulator) receive(c call, set *settings, inWindow bool) (plan, bool) {
	table := &set.faults
	if inWindow {
		table = nil
	}
	switch {
	case c.key != "":
		return s.book.receive(c.movement, table, s.now())
	case c.readKey != "":
		s.vendors[c.vendor].counters.reads.Add(1)
		if table == nil {
			return plan{}, true
		}
		return s.reads.next(c.vendor, c.readKey, table), true
	}
	s.vendors[c.vendor].counters.malformed.Add(1)
	return plan{}, true
}

// SetOutage takes a vendor away or brings it back.
func (s *Simulator) SetOutage(v Vendor, o Outage) error {
	return s.change(v, func(set *settings) { set.outage = o })
}

// SetFaults replaces a vendor's faults. The keys' own histories go on, and
// with them the place in their sequence of draws.
func (s *Simulator) SetFaults(v Vendor, f Faults) error {
	f.Rates = maps.Clone(f.Rates)
	return s.change(v, func(set *settings) { set.faults = compileFaults(f) })
}

// SetDedup replaces a vendor's dedup. Keys that were applied stay known.
func (s *Simulator) SetDedup(v Vendor, d Dedup) error {
	return s.change(v, func(set *settings) { set.dedup = d.withDefaults() })
}

// SetOpenKey replaces Zhimai's signing key: tokens made with another key get
// the wrong-signature answer from now on. Empty means DefaultOpenKey.
func (s *Simulator) SetOpenKey(key string) error {
	if key == "" {
		key = DefaultOpenKey
	}
	return s.change(Zhimai, func(set *settings) { set.openKey = key })
}

// SetRecords replaces the behaviour of Zhimai's records.
func (s *Simulator) SetRecords(r RecordsConfig) error {
	return s.change(Zhimai, func(set *settings) { set.records = r.withDefaults() })
}

// SetIdentity replaces the behaviour of Zhimai's communal.user.identity.
func (s *Simulator) SetIdentity(i IdentityConfig) error {
	return s.change(Zhimai, func(set *settings) { set.identity = i.withDefaults() })
}

// change replaces a vendor's settings, or nothing when the result is not valid.
func (s *Simulator) change(v Vendor, edit func(*settings)) error {
	i, ok := v.index()
	if !ok {
		return fmt.Errorf("change simulator: unknown vendor %q", v)
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	next := *s.vendors[i].settings.Load()
	edit(&next)
	if err := next.validate(v); err != nil {
		return fmt.Errorf("change simulator: %s: %w", v, err)
	}
	s.vendors[i].settings.Store(&next)
	return nil
}

func (set *settings) validate(v Vendor) error {
	switch set.outage {
	case OutageOff, OutageClose, Outage503:
	default:
		return fmt.Errorf("outage: want off, close or 503, got %q", set.outage)
	}
	if err := set.dedup.validate(); err != nil {
		return fmt.Errorf("dedup: %w", err)
	}
	if err := set.faults.Faults.validate(); err != nil {
		return fmt.Errorf("faults: %w", err)
	}
	if v == Kylin {
		return set.body.validate()
	}
	if v == Zhimai {
		if err := set.records.validate(); err != nil {
			return fmt.Errorf("records: %w", err)
		}
		if err := set.identity.validate(); err != nil {
			return fmt.Errorf("identity: %w", err)
		}
	}
	return nil
}

// Start serves the simulator on addr ("" means a free port of 127.0.0.1) until
// stop is called. ZHIMAI_URL is url + "/api/v2", KYLIN_URL is url. Stop lets go
// of held calls, gives the others a second, and closes; the book stays, and
// Start may be called again, with the same address too.
func (s *Simulator) Start(addr string) (url string, stop func() error, err error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, fmt.Errorf("listen for simulator: %w", err)
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = srv.Serve(ln) // ends with ErrServerClosed; a listener that breaks shows as refused connections
	}()
	stop = func() error {
		s.ReleaseHeld()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			if err := srv.Close(); err != nil {
				return fmt.Errorf("stop simulator: %w", err)
			}
		}
		<-served
		return nil
	}
	return "http://" + ln.Addr().String(), stop, nil
}

// ReleaseHeld ends every hang at once, as if its time were over.
func (s *Simulator) ReleaseHeld() { s.held.release() }

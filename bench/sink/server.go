package sink

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	shardCount = 64
	// hangTime is longer than any run waits for an answer.
	hangTime = 10 * time.Minute
	// maxConnections bounds the clients: the largest peer has 1,000 calls at once.
	maxConnections = 8192
)

var (
	zhimaiSuccess = []byte(`{"status":"true","code":"0","message":"ok","data":[]}`)
	kylinSuccess  = []byte(`{}`)
	noMember      = []byte(`{"status":"true","code":"404","message":"members are not kept here","data":[]}`)
	markAction    = []byte(`"Action":"user.user-points-records"`)
	markIdentity  = []byte(`"Action":"communal.user.identity"`)
)

// vendor is the memory for one vendor's keys. Safe for concurrent use.
type vendor struct {
	seed                                   maphash.Seed
	calls, distinct, applied, appliedAgain atomic.Int64
	shards                                 [shardCount]struct {
		sync.Mutex
		keys map[string]*memory
	}
	// arrived is when the first call of each event came, in Unix nanoseconds.
	arrived []atomic.Int64
}

// memory is what is kept of a key.
type memory struct {
	calls   int
	applied bool
}

func newVendor(events int) *vendor {
	v := &vendor{seed: maphash.MakeSeed(), arrived: make([]atomic.Int64, events)}
	for i := range v.shards {
		v.shards[i].keys = make(map[string]*memory, events/shardCount+1)
	}
	return v
}

// call records one call and says how many this key has had, this one included.
// apply tells whether the call is applied, given that number.
func (v *vendor) call(key []byte, event int, now int64, apply func(calls int) bool) int {
	v.calls.Add(1)
	shard := &v.shards[maphash.Bytes(v.seed, key)%shardCount]
	shard.Lock()
	defer shard.Unlock()
	m := shard.keys[string(key)]
	if m == nil {
		m = &memory{}
		shard.keys[string(key)] = m
		v.arrived[event].CompareAndSwap(0, now)
		v.distinct.Add(1)
	}
	m.calls++
	if apply(m.calls) {
		if m.applied {
			v.appliedAgain.Add(1)
		} else {
			v.applied.Add(1)
		}
		m.applied = true
	}
	return m.calls
}

func (v *vendor) count() Count {
	return Count{Calls: v.calls.Load(), Distinct: v.distinct.Load(), Applied: v.applied.Load(), AppliedAgain: v.appliedAgain.Load()}
}

// book is all that is known under one behaviour.
type book struct {
	Behaviour
	zhimai, kylin             *vendor
	scans, stray, atOnce, top atomic.Int64
	// answering is the time that Zhimai's points calls have taken, in nanoseconds.
	answering atomic.Int64
	mu        sync.Mutex
	// records are the applied calls of Zhimai's members, as they will be shown.
	records map[int64][]byte
	// before is the book before this one: what was posted then may be looked up
	// now.
	before *book
}

// newBook follows a book; nil is none.
func newBook(b Behaviour, before *book) *book {
	if before != nil {
		before.mu.Lock()
		before.before = nil
		before.mu.Unlock()
	}
	return &book{Behaviour: b, zhimai: newVendor(b.Events), kylin: newVendor(b.Events), records: map[int64][]byte{}, before: before}
}

// server answers all paths. A call ends under the book with which it began.
type server struct{ book atomic.Pointer[book] }

// Serve answers on a free port of 127.0.0.1 until stop has been read to its
// end; it does not wait for calls that hang. It writes its address as one line
// to ready.
func Serve(ready io.Writer, stop io.Reader) error {
	s := &server{}
	s.book.Store(newBook(Behaviour{}, nil))
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen as sink: %w", err)
	}
	go func() {
		// When the driver ends, in whatever way, so does this process.
		_, _ = io.Copy(io.Discard, stop)
		_ = listener.Close()
	}()
	if _, err := fmt.Fprintln(ready, listener.Addr()); err != nil {
		return fmt.Errorf("tell the sink's address: %w", err)
	}
	return (&fasthttp.Server{Handler: s.handle, Concurrency: maxConnections, NoDefaultServerHeader: true,
		Logger: silent{}}).Serve(listener)
}

// silent drops the complaints about clients that hang up, which is what a
// client with a timeout does.
type silent struct{}

func (silent) Printf(string, ...any) {}

func (s *server) handle(c *fasthttp.RequestCtx) {
	switch string(c.Path()) {
	case "/api/v2":
		s.serveZhimai(c)
	case "/openapi/v2/member/freezePoint":
		s.serveKylin(c)
	case "/_sink/behave":
		var b Behaviour
		if err := json.Unmarshal(c.PostBody(), &b); err != nil {
			c.Error(err.Error(), fasthttp.StatusBadRequest)
			return
		}
		s.book.Store(newBook(b, s.book.Load()))
	case "/_sink/stats":
		b := s.book.Load()
		raw, err := json.Marshal(Stats{Zhimai: b.zhimai.count(), Kylin: b.kylin.count(),
			Scans: b.scans.Load(), Stray: b.stray.Load(), MaxAtOnce: b.top.Load(), AnswerMS: b.answerMS()})
		if err != nil {
			c.Error(err.Error(), fasthttp.StatusInternalServerError)
			return
		}
		c.SetBody(raw)
	case "/_sink/wait":
		s.wait(c)
	case "/_sink/arrivals/zhimai":
		c.SetBody(s.book.Load().zhimai.arrivals())
	case "/_sink/arrivals/kylin":
		c.SetBody(s.book.Load().kylin.arrivals())
	default:
		c.SetStatusCode(fasthttp.StatusNotFound)
	}
}

// Of the answer to a wait: how often the sink looks, and when it answers all
// the same.
const (
	waitLook = 2 * time.Millisecond
	waitMost = 500 * time.Millisecond
)

// wait answers when so many keys are applied, "true", or after a while, "false".
func (s *server) wait(c *fasthttp.RequestCtx) {
	var goal Goal
	if err := json.Unmarshal(c.PostBody(), &goal); err != nil {
		c.Error(err.Error(), fasthttp.StatusBadRequest)
		return
	}
	b := s.book.Load()
	for began := time.Now(); time.Since(began) < waitMost; time.Sleep(waitLook) {
		if b.zhimai.applied.Load() >= goal.Zhimai && b.kylin.applied.Load() >= goal.Kylin {
			c.SetBodyString("true")
			return
		}
	}
	c.SetBodyString("false")
}

// arrivals are 8 bytes, little-endian, for each event; 0 is not seen.
func (v *vendor) arrivals() []byte {
	raw := make([]byte, 0, 8*len(v.arrived))
	for i := range v.arrived {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v.arrived[i].Load()))
	}
	return raw
}

func (b *book) answerMS() float64 {
	calls := b.zhimai.calls.Load()
	if calls == 0 {
		return 0
	}
	return float64(b.answering.Load()) / float64(calls) / float64(time.Millisecond)
}

// enter counts a call in flight.
func (b *book) enter() {
	n := b.atOnce.Add(1)
	for {
		top := b.top.Load()
		if n <= top || b.top.CompareAndSwap(top, n) {
			return
		}
	}
}

// event finds the number of the event by its member; ok is false for a
// stranger.
func (b *book) event(member []byte) (n int, ok bool) {
	id, err := strconv.ParseInt(string(member), 10, 64)
	n = int(id - b.FirstMember)
	if err != nil || n < 0 || n >= b.Events {
		b.stray.Add(1)
		return 0, false
	}
	return n, true
}

func (s *server) serveZhimai(c *fasthttp.RequestCtx) {
	now := time.Now()
	b := s.book.Load()
	b.enter()
	defer b.atOnce.Add(-1)
	body := c.PostBody()
	wait := time.Duration(b.DelayMS) * time.Millisecond
	c.SetContentType("application/json")
	if bytes.Contains(body, markAction) {
		b.scans.Add(1)
		c.SetBody(b.show(value(body, `"user_id":"`)))
		time.Sleep(time.Until(now.Add(wait)))
		return
	}
	if bytes.Contains(body, markIdentity) {
		c.SetBody(noMember)
		time.Sleep(time.Until(now.Add(wait)))
		return
	}
	n, ok := b.event(value(body, `"customerId":"`))
	if !ok {
		c.SetStatusCode(fasthttp.StatusNotFound)
		return
	}
	class, anyway := b.ClassOf(n)
	calls := b.zhimai.call(value(body, `"bizId":"`), n, now.UnixNano(), func(calls int) bool { return calls > 1 || anyway })
	c.SetBody(zhimaiSuccess)
	if calls > 1 || anyway {
		b.keep(n, body, now)
	}
	if class != Good {
		if calls == 1 && class == Failing {
			c.Error(`{"status":"false","code":"500","message":"busy"}`, fasthttp.StatusInternalServerError)
		}
		if calls == 1 && class == Slow {
			wait = time.Duration(b.TimeoutMS) * time.Millisecond
		}
	}
	time.Sleep(time.Until(now.Add(wait)))
	b.answering.Add(int64(time.Since(now)))
}

func (s *server) serveKylin(c *fasthttp.RequestCtx) {
	now := time.Now()
	b := s.book.Load()
	b.enter()
	defer b.atOnce.Add(-1)
	n, ok := b.event(value(c.PostBody(), `"memberId":"`))
	if !ok {
		c.SetStatusCode(fasthttp.StatusNotFound)
		return
	}
	b.kylin.call(c.Request.Header.Peek("X-Business-Token"), n, now.UnixNano(), func(int) bool { return !b.KylinHangs })
	if b.KylinHangs {
		time.Sleep(hangTime)
	}
	c.SetContentType("application/json")
	c.SetBody(kylinSuccess)
	time.Sleep(time.Until(now.Add(time.Duration(b.DelayMS) * time.Millisecond)))
}

// value is the text after a mark, up to the next quote; nil when there is none.
// The texts that are looked for hold no escaped quotes: we made them.
func value(body []byte, mark string) []byte {
	_, rest, found := bytes.Cut(body, []byte(mark))
	if !found {
		return nil
	}
	text, _, found := bytes.Cut(rest, []byte{'"'})
	if !found {
		return nil
	}
	return text
}

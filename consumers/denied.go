package consumers

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// deniedFor is how long a right counts as missing after it was last refused;
// what is needed is tried again within it.
const deniedFor = 2 * time.Minute

// maxDenied bounds what is kept: there are fewer rights than that.
const maxDenied = 32

// Denied hears what the broker refuses on a connection. Safe for concurrent use.
type Denied struct {
	conn *nats.Conn

	mu   sync.Mutex
	seen map[DeniedError]denial
	// waiting are the calls that want to hear at once.
	waiting map[*deniedWait]struct{}
}

type denial struct {
	at time.Time
	// reconnects tells which connection it was: a subscription is refused once
	// for as long as that lasts.
	reconnects uint64
}

type deniedWait struct {
	subjects []string
	cancel   context.CancelCauseFunc
}

// WatchDenied hears what is refused on a connection from now on; whoever heard
// its errors before goes on hearing them.
func WatchDenied(conn *nats.Conn) *Denied {
	d := &Denied{conn: conn, seen: map[DeniedError]denial{}, waiting: map[*deniedWait]struct{}{}}
	before := conn.ErrorHandler()
	conn.SetErrorHandler(func(c *nats.Conn, s *nats.Subscription, err error) {
		d.note(err, time.Now())
		if before != nil {
			before(c, s, err)
		}
	})
	return d
}

// deniedWords finds the subject in the broker's words, which the client keeps.
var deniedWords = regexp.MustCompile(`(?i)permissions violation for (publish|subscription) to "?([^"\s]+)"?`)

func parseDenied(err error) (DeniedError, bool) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return DeniedError{}, false
	}
	words := deniedWords.FindStringSubmatch(err.Error())
	if words == nil {
		return DeniedError{}, false
	}
	return DeniedError{Publish: strings.EqualFold(words[1], "publish"), Subject: words[2]}, true
}

func (d *Denied) note(err error, now time.Time) {
	refused, ok := parseDenied(err)
	if !ok {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for w := range d.waiting {
		if w.wants(refused) {
			w.cancel(&refused)
		}
	}
	short := refused
	short.Subject = shortSubject(refused.Subject)
	if _, known := d.seen[short]; known || len(d.seen) < maxDenied {
		d.seen[short] = denial{now, d.conn.Stats().Reconnects}
	}
}

// inboxPrefix begins the subjects of all answers.
const inboxPrefix = "_INBOX."

func (w *deniedWait) wants(refused DeniedError) bool {
	return strings.HasPrefix(refused.Subject, inboxPrefix) ||
		slices.ContainsFunc(w.subjects, func(s string) bool { return strings.HasPrefix(refused.Subject, s) })
}

// shortSubject leaves out what differs from message to message.
func shortSubject(subject string) string {
	parts := strings.Split(subject, ".")
	switch {
	case strings.HasPrefix(subject, inboxPrefix):
		return inboxPrefix + ">"
	case strings.HasPrefix(subject, "$JS.ACK.") && len(parts) > 4:
		return strings.Join(parts[:4], ".") + ".>"
	}
	return subject
}

// During watches a call to subjects with one of the beginnings. Its context
// ends when the broker refuses one of them, so that the call need not run out
// of time; finish says so in place of the call's own error. Without a watcher
// (d is nil) it changes nothing.
func (d *Denied) During(ctx context.Context, subjects ...string) (_ context.Context, finish func(error) error) {
	if d == nil {
		return ctx, func(err error) error { return err }
	}
	ctx, cancel := context.WithCancelCause(ctx)
	w := &deniedWait{subjects: subjects, cancel: cancel}
	d.mu.Lock()
	d.waiting[w] = struct{}{}
	d.mu.Unlock()
	return ctx, func(err error) error {
		d.mu.Lock()
		delete(d.waiting, w)
		d.mu.Unlock()
		defer cancel(nil)
		if err == nil {
			return nil
		}
		var refused *DeniedError
		if errors.As(context.Cause(ctx), &refused) {
			return refused
		}
		if inbox := (DeniedError{Subject: inboxPrefix + ">"}); d.inForce(inbox, time.Now()) {
			return &inbox
		}
		return err
	}
}

// inForce tells whether a right counts as missing.
func (d *Denied) inForce(what DeniedError, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen, ok := d.seen[what]
	return ok && d.stands(what, seen, now)
}

func (d *Denied) stands(what DeniedError, seen denial, now time.Time) bool {
	if !what.Publish {
		return seen.reconnects == d.conn.Stats().Reconnects
	}
	return now.Sub(seen.at) < deniedFor
}

// Warnings names each right that is missing now, in the order of the subjects.
func (d *Denied) Warnings(now time.Time) []string {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var texts []string
	for what, seen := range d.seen {
		if d.stands(what, seen, now) {
			texts = append(texts, what.Error())
		}
	}
	slices.Sort(texts)
	return texts
}

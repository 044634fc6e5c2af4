package continuity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"pointsledger/consumers"
	"pointsledger/internal/sabotage"
)

// testimony is what the witness has seen of a ledger.
type testimony struct {
	LedgerID string `json:"ledger_id"`
	// SystemIdentifier and Timeline are of the database, 0 where they could not
	// be read.
	SystemIdentifier int64 `json:"system_identifier,omitempty"`
	Timeline         int64 `json:"timeline,omitempty"`
	// Beat is the highest counter that the database has shown.
	Beat int64 `json:"beat"`
	// Acked is the highest acknowledged sequence that was seen, of the stream
	// that was created then: a durable that is behind it was made anew.
	StreamCreated time.Time `json:"stream_created,omitzero"`
	Acked         uint64    `json:"acked_seq,omitempty"`

	// revision is the entry's, for the next write; at is the broker's time of it.
	revision uint64
	at       time.Time
}

// witness is the entry beside the stream, in a key-value bucket of the broker:
// outside the database, so that it is not rolled back with it. One keeper uses
// it, from one goroutine.
type witness struct {
	js              jetstream.JetStream
	denied          *consumers.Denied
	stream, durable string
	bucket          jetstream.KeyValue // nil: not opened
	// missing is why there is none, nil when there is one; it is asked for again
	// after retryAt.
	missing *noWitnessError
	retryAt time.Time
	weak    string
	// lookOnly makes no bucket.
	lookOnly bool
}

const (
	// witnessRetry is how often a bucket that could not be used is tried again.
	witnessRetry = time.Minute
	// witnessTries bounds the writes that another writer can be faster than.
	witnessTries = 20
	// witnessMaxBytes is the most that the bucket can hold: an entry for each
	// durable, of some 200 bytes.
	witnessMaxBytes = 1 << 20
)

// noWitnessError says why no witness can be kept: for want of a right, or
// because the broker cannot. The ledger is used without it.
type noWitnessError struct {
	bucket string
	cause  error
}

func (e *noWitnessError) Error() string {
	return fmt.Sprintf("no witness of the ledger can be kept outside the database: %v. A database that is rolled back to an earlier state with no other sign "+
		"would not be noticed, and what it had sent would be sent again: see that the bucket %s can be made and used", e.cause, e.bucket)
}

func (e *noWitnessError) Unwrap() error { return e.cause }

// unreadableError is an entry that holds something else.
type unreadableError struct{ bucket, key string }

func (e *unreadableError) Error() string {
	return fmt.Sprintf("what the bucket %s holds under %s was not written by this program: look at it (`nats kv get %s %s`), and delete it if nobody needs it",
		e.bucket, e.key, e.bucket, e.key)
}

var (
	bucketName = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
	bucketKey  = regexp.MustCompile(`^[a-zA-Z0-9_=-]+$`)
)

// WitnessBucket is the name of the bucket beside a stream, and WitnessKey the
// key of a durable in it. A name that a bucket cannot have is hashed.
func WitnessBucket(stream string) string {
	if bucketName.MatchString(stream) {
		return stream + "_witness"
	}
	return hashed(stream) + "_witness"
}

// WitnessKey is described at WitnessBucket.
func WitnessKey(durable string) string {
	if bucketKey.MatchString(durable) {
		return durable
	}
	return hashed(durable)
}

func hashed(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:8])
}

// witnessStream is the bucket as a stream, as the broker keeps it. Made this
// way it needs no right to read about the account.
func witnessStream(stream string, replicas int) jetstream.StreamConfig {
	bucket := WitnessBucket(stream)
	return jetstream.StreamConfig{
		Name:              "KV_" + bucket,
		Description:       "points-ledger: which state of the ledger was seen last, so that a database that was rolled back is noticed",
		Subjects:          []string{"$KV." + bucket + ".>"},
		Storage:           jetstream.FileStorage,
		MaxMsgsPerSubject: 1,
		MaxBytes:          witnessMaxBytes,
		MaxMsgSize:        4096,
		Discard:           jetstream.DiscardNew,
		Replicas:          max(replicas, 1),
		DenyDelete:        true,
		AllowRollup:       true,
		AllowDirect:       true,
	}
}

// subjects are the beginnings of what is asked of the broker.
func (w *witness) subjects() []string {
	bucket := WitnessBucket(w.stream)
	return []string{"$JS.API.STREAM.INFO.KV_" + bucket, "$JS.API.STREAM.CREATE.KV_" + bucket,
		"$JS.API.DIRECT.GET.KV_" + bucket, "$JS.API.STREAM.MSG.GET.KV_" + bucket, "$KV." + bucket + "."}
}

// call runs a request to the bucket. A bucket that is gone, or that may not be
// used, is a *noWitnessError; anything else may pass.
func (w *witness) call(ctx context.Context, f func(ctx context.Context) error) error {
	if w.missing != nil && time.Now().Before(w.retryAt) {
		return w.missing
	}
	ctx, finish := w.denied.During(ctx, w.subjects()...)
	err := finish(w.try(ctx, f))
	w.missing = w.impossible(err)
	if w.missing != nil {
		w.bucket, w.retryAt = nil, time.Now().Add(witnessRetry)
		return w.missing
	}
	if err != nil {
		return fmt.Errorf("ask the witness in bucket %s: %w", WitnessBucket(w.stream), err)
	}
	return nil
}

// try opens the bucket if need be, and opens it anew when it has gone.
func (w *witness) try(ctx context.Context, f func(ctx context.Context) error) error {
	if w.bucket != nil {
		err := f(ctx)
		if !isGone(err) {
			return err
		}
		w.bucket = nil
	}
	if err := w.open(ctx); err != nil || w.bucket == nil {
		return err
	}
	return f(ctx)
}

// isGone tells an answer of a bucket that was deleted.
func isGone(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, jetstream.ErrStreamNotFound)
}

// open opens the bucket, which it makes when it is absent, with as many replicas
// as the stream has.
func (w *witness) open(ctx context.Context) error {
	bucket, err := w.js.KeyValue(ctx, WitnessBucket(w.stream))
	if errors.Is(err, jetstream.ErrBucketNotFound) && w.lookOnly {
		return nil
	}
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		replicas := 1
		if stream, err := w.js.Stream(ctx, w.stream); err == nil {
			replicas = stream.CachedInfo().Config.Replicas
		}
		_, err = w.js.CreateStream(ctx, witnessStream(w.stream, replicas))
		if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another worker was faster
			return err
		}
		bucket, err = w.js.KeyValue(ctx, WitnessBucket(w.stream))
	}
	if err != nil {
		return err
	}
	w.bucket, w.weak = bucket, ""
	if status, err := bucket.Status(ctx); err == nil {
		w.weak = bucketWeakness(WitnessBucket(w.stream), status)
	}
	return nil
}

// bucketWeakness says what lets a bucket forget.
func bucketWeakness(name string, status jetstream.KeyValueStatus) string {
	held, ok := status.(*jetstream.KeyValueBucketStatus)
	switch {
	case ok && held.StreamInfo().Config.Storage != jetstream.FileStorage:
		return fmt.Sprintf("the bucket %s of the ledger's witness is kept in memory: it forgets when the broker restarts; want file storage", name)
	case status.TTL() > 0:
		return fmt.Sprintf("the bucket %s of the ledger's witness forgets after %v; want no limit", name, status.TTL())
	}
	return ""
}

// impossible tells an answer that does not get better by itself: the right is
// missing, or the broker refuses to make such a bucket.
func (w *witness) impossible(err error) *noWitnessError {
	var refused *consumers.DeniedError
	var answer *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused), errors.Is(err, jetstream.ErrBadBucket), errors.Is(err, jetstream.ErrInvalidBucketName):
	case errors.As(err, &answer) && answer.Code >= 400 && answer.Code != 404 && answer.Code != 503:
		// 404: it was deleted just now, 503: it has no leader just now.
	default:
		return nil
	}
	return &noWitnessError{WitnessBucket(w.stream), err}
}

// read returns what the witness of a durable has seen, nil when there is none.
func (w *witness) read(ctx context.Context, durable string) (*testimony, error) {
	if sabotage.Breaks(sabotage.NoWitness) {
		return nil, nil
	}
	var seen *testimony
	err := w.call(ctx, func(ctx context.Context) error {
		entry, err := w.bucket.Get(ctx, WitnessKey(durable))
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		t := testimony{revision: entry.Revision(), at: entry.Created()}
		if err := json.Unmarshal(entry.Value(), &t); err != nil || t.LedgerID == "" {
			return &unreadableError{WitnessBucket(w.stream), WitnessKey(durable)}
		}
		seen = &t
		return nil
	})
	return seen, err
}

// write puts an entry in the place of the one that was read, nil for none. It is
// false when somebody wrote meanwhile.
func (w *witness) write(ctx context.Context, before *testimony, now testimony) (written bool, err error) {
	if sabotage.Breaks(sabotage.NoWitness) {
		return true, nil
	}
	value, err := json.Marshal(now)
	if err != nil {
		return false, fmt.Errorf("write the witness: %w", err)
	}
	err = w.call(ctx, func(ctx context.Context) error {
		key := WitnessKey(w.durable)
		if before == nil {
			_, err = w.bucket.Create(ctx, key, value)
		} else {
			_, err = w.bucket.Update(ctx, key, value, before.revision)
		}
		if errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch) || isWrongLast(err) {
			return nil
		}
		written = err == nil
		return err
	})
	return written, err
}

func isWrongLast(err error) bool {
	var answer *jetstream.APIError
	return errors.As(err, &answer) && answer.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// errOverrun is returned when other writers were faster each time.
var errOverrun = errors.New("write the witness: others were faster each time")

// errOvertaken is returned when the witness has seen what this database has not:
// the next look decides.
var errOvertaken = errors.New("write the witness: it has seen a later state of the ledger")

// testify writes what the database shows into the witness, after it is committed
// there, upwards only: a higher counter that is there already stays, and what
// another ledger or a later timeline wrote is never overwritten. made tells that
// there was none. raise is nil, except for a database that was just compared and
// mended: it may follow another one, and raises its counter above what that
// wrote meanwhile.
func (w *witness) testify(ctx context.Context, now testimony, raise func(above int64) (int64, error)) (made bool, err error) {
	for range witnessTries {
		before, err := w.read(ctx, w.durable)
		if err != nil {
			return false, err
		}
		if before != nil {
			same := before.sameDatabase(now)
			switch {
			case before.contradicts(now), !same && raise == nil:
				return false, errOvertaken
			case before.Beat < now.Beat:
			case same && raise == nil:
				return false, nil // another worker on this database was later
			case raise == nil:
				return false, errOvertaken
			default:
				if now.Beat, err = raise(before.Beat); err != nil {
					return false, err
				}
			}
			now.keepAcked(before)
		}
		if written, err := w.write(ctx, before, now); err != nil || written {
			return before == nil && written, err
		}
	}
	return false, errOverrun
}

// replace writes the entry whatever it holds: a person has put another ledger in
// the place of one that is lost.
func (w *witness) replace(ctx context.Context, now testimony) error {
	for range witnessTries {
		before, err := w.read(ctx, w.durable)
		if err != nil {
			return err
		}
		if written, err := w.write(ctx, before, now); err != nil || written {
			return err
		}
	}
	return errOverrun
}

// contradicts tells that a database which shows now may not speak for the ledger
// any more: it is another ledger, or on an earlier timeline.
func (t *testimony) contradicts(now testimony) bool {
	return t.LedgerID != now.LedgerID || t.sameCluster(now) && now.Timeline != 0 && t.Timeline > now.Timeline
}

func (t *testimony) sameCluster(now testimony) bool {
	return t.SystemIdentifier == now.SystemIdentifier || t.SystemIdentifier == 0 || now.SystemIdentifier == 0
}

func (t *testimony) sameDatabase(now testimony) bool {
	return t.sameCluster(now) && (t.Timeline == now.Timeline || t.Timeline == 0 || now.Timeline == 0)
}

// keepAcked keeps the highest acknowledged sequence of the same stream.
func (t *testimony) keepAcked(before *testimony) {
	if before.StreamCreated.Equal(t.StreamCreated) {
		t.Acked = max(t.Acked, before.Acked)
	}
}

// testimonyOf is what a ledger's row says of itself.
func testimonyOf(id Identity, now Database, at *consumers.Position) testimony {
	return testimony{LedgerID: id.LedgerID, SystemIdentifier: now.SystemIdentifier, Timeline: now.Timeline, Beat: id.Beat,
		StreamCreated: at.Created, Acked: max(at.Acked, id.AckedSeq)}
}

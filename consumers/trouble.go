package consumers

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"
)

// trouble is what stands in the way of one thing that the runner does.
type trouble struct {
	log *zap.Logger
	is  atomic.Pointer[error] // nil: nothing
}

// note keeps what is in the way, and logs when that begins and ends.
func (t *trouble) note(what string, err error) {
	if err == nil {
		if t.is.Swap(nil) != nil {
			t.log.Info("intake works again", zap.String("action", what))
		}
		return
	}
	if errors.Is(err, context.Canceled) {
		return
	}
	now := fmt.Errorf("%s: %w", what, err)
	if before := t.is.Swap(&now); before == nil {
		t.log.Warn("intake in trouble, trying again", zap.String("action", what), zap.Error(err))
	}
}

// retry tries until f works or ctx ends, with growing pauses, and notes how it
// goes. It does not try when ctx has ended.
func retry(ctx context.Context, t *trouble, what string, f func() error) error {
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(0)) // ctx ends it
	return backoff.Retry(func() error {
		if err := ctx.Err(); err != nil {
			return backoff.Permanent(err)
		}
		err := f()
		t.note(what, err)
		return err
	}, backoff.WithContext(pauses, ctx))
}

// pause waits and tells whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

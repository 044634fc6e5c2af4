package vendorapi

import "context"

// turns is the key of a context's turns.
type turns struct{}

// WithTurns has every HTTP call that is made under the context wait for its turn
// first: a reading of several pages is as many calls, and only the vendor's client
// knows how many. A call whose turn ends with an error is not sent.
func WithTurns(ctx context.Context, turn func(context.Context) error) context.Context {
	return context.WithValue(ctx, turns{}, turn)
}

// Turn waits for the next call's turn, without one it returns at once. It is for
// what makes the HTTP calls.
func Turn(ctx context.Context) error {
	if turn, some := ctx.Value(turns{}).(func(context.Context) error); some {
		return turn(ctx)
	}
	return nil
}

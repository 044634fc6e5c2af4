package desk_test

import (
	"context"
	"testing"

	"pointsledger/desk"
)

// reopening is a replay from a filter to the end, as the command makes it.
type reopening struct {
	filter        desk.OpenFilter
	memories      []desk.KeyMemory
	expect        int64
	actor, reason string
	// batch is the size of a batch, 0 the largest; between runs after each.
	batch   int
	between func()
}

func newReopening() reopening {
	return reopening{memories: hourAtZhimai(), actor: "lin", reason: "member unfrozen"}
}

// replayed is what a replay came to. acts counts its rows in ops_actions.
type replayed struct {
	plan desk.Plan
	act  int64
	acts int
	done desk.Reopened
}

// replay carries a reopening out.
func replay(ctx context.Context, s *desk.Desk, r reopening) (result replayed, err error) {
	result.plan, err = s.CreatePlan(ctx, desk.NewPlan{Kind: desk.PlanOfRun, Actor: r.actor, FilterText: "--cause refused",
		Choose: &r.filter, Memories: r.memories, Expect: r.expect, MaxSize: desk.MaxUnexpected})
	if err != nil || result.plan.Size == 0 {
		return result, err
	}
	run, err := s.BeginPlan(ctx, desk.PlanStart{Plan: result.plan, Act: "replay", Actor: r.actor, Reason: r.reason})
	if err != nil {
		return result, err
	}
	defer run.Close()
	result.act, result.acts = run.Act, 1
	for more := true; more; {
		if more, err = run.PutBack(ctx, r.batch, r.memories, &result.done); err != nil {
			return result, err
		}
		if r.between != nil {
			r.between()
		}
	}
	_, err = run.End(ctx, result.plan.Size, result.done.Text())
	result.acts++
	return result, err
}

func mustReplay(t *testing.T, s *desk.Desk, r reopening) replayed {
	t.Helper()
	result, err := replay(t.Context(), s, r)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

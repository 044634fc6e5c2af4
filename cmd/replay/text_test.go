package main

import (
	"testing"
	"time"

	"pointsledger/desk"
	"pointsledger/internal/command"
)

func TestFilterArgsAndShell(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)
	args := filterArgs(desk.OpenFilter{Account: "zhimai", Cause: "refused", Member: "1", BusinessKey: "SO 1'$(rm)", BizID: "pa", EventType: "order.paid",
		InDoubt: true, Since: since, Until: since.Add(time.Hour)})
	want := `--account zhimai --cause refused --member 1 --order 'SO 1'\''$(rm)' --biz-id pa --type order.paid --in-doubt --since 2026-11-20T02:00:00Z --until 2026-11-20T03:00:00Z`
	if got := command.Shell(args...); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

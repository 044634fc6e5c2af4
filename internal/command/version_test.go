package command

import (
	"bytes"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestVersionOf(t *testing.T) {
	t.Parallel()
	commit := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.time", Value: "2026-11-20T02:00:00Z"},
		{Key: "vcs.modified", Value: "true"}}
	for want, info := range map[string]*debug.BuildInfo{
		"v1.2.3, go1.26": {GoVersion: "go1.26", Main: debug.Module{Version: "v1.2.3"}, Settings: commit},
		"commit 0123456789ab+dirty of 2026-11-20T02:00:00Z, go1.26": {GoVersion: "go1.26", Main: debug.Module{Version: "(devel)"}, Settings: commit},
		"commit 01, go1.26": {GoVersion: "go1.26", Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "01"}, {Key: "vcs.modified", Value: "false"}}},
		"unknown, go1.26":   {GoVersion: "go1.26", Main: debug.Module{Version: "(devel)"}},
	} {
		if got := versionOf(info); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Every program answers --version, unless it sets one of its own.
func TestExecuteGivesVersion(t *testing.T) {
	t.Parallel()
	for _, own := range []string{"", "v9"} {
		var out, errOut bytes.Buffer
		root := &cobra.Command{Use: "tool", Version: own, RunE: func(*cobra.Command, []string) error { return nil }}
		root.SetOut(&out)
		root.SetErr(&errOut)
		if code := Execute(t.Context(), root, []string{"--version"}); code != ExitDone || errOut.Len() != 0 {
			t.Fatalf("exit code %d, %s", code, errOut.String())
		}
		want := own
		if own == "" {
			want = Version()
		}
		if got := strings.TrimSpace(out.String()); got != "tool version "+want {
			t.Errorf("got %q, want version %q", got, want)
		}
	}
}

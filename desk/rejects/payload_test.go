package rejects

import (
	"strings"
	"testing"

	"pointsledger/desk/wording"
)

// A long payload is cut, and what has all of it is named.
func TestPayloadIsCut(t *testing.T) {
	t.Parallel()
	names := wording.Names{ExportRejects: "replay rejects export"}
	const end = "\n… and 3 bytes more; replay rejects export has all"
	long := strings.Repeat("x", maxPayloadShown)
	if got := payload([]byte(long+"yyy"), names); got != long+end {
		t.Errorf("it ends with %q", got[len(got)-min(len(got), 80):])
	}
	if got := payload([]byte(long), names); got != long {
		t.Error("what is just short enough is cut")
	}
}

//go:build !noembed && unix

package devstack

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository serves one archive of server programs, as Maven Central does.
// testdata/programs.txz holds shell scripts in the programs' place.
func repository(t *testing.T) *httptest.Server {
	t.Helper()
	programs, err := os.ReadFile("testdata/programs.txz")
	if err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	archive := zip.NewWriter(&jar)
	file, err := archive.Create("postgres-linux-x86_64.txz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(programs); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(jar.Bytes())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".sha256") {
			_, _ = w.Write([]byte(hex.EncodeToString(sum[:])))
			return
		}
		_, _ = w.Write(jar.Bytes())
	}))
	t.Cleanup(server.Close)
	return server
}

func TestFetchOnce(t *testing.T) {
	t.Parallel()
	server := repository(t)
	cache, logs := t.TempDir(), libraryLogs()
	folder, err := fetchPrograms(t.Context(), server.URL, cache, nil)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the library's log is removed", func() bool { return len(libraryLogs()) <= len(logs) })
	if major, err := serverVersion(folder); major != 16 || err != nil {
		t.Errorf("fetched version %d, %v", major, err)
	}
	server.Close()
	again, err := fetchPrograms(t.Context(), server.URL, cache, nil)
	if err != nil || again != folder {
		t.Errorf("second time: %q, %v, want %q from the cache", again, err, folder)
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "unpack-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The fetch relies on it: with an unknown encoding the real initdb ends before
// it makes anything, so the library never starts a server.
func TestInitdbRefusesUnknownEncoding(t *testing.T) {
	t.Parallel()
	fit, _, ok := findPrograms(programFolders(), 0)
	if !ok {
		t.Fatal(ErrNoPostgres)
	}
	folder, watch, err := openFolder("")
	if err != nil {
		t.Fatal(err)
	}
	p := &Postgres{folder: folder, watch: watch, programs: fit, log: &logTail{}}
	defer func() { _ = p.Stop() }()
	cmd := p.command("initdb", "--pgdata="+folder.data(), "--encoding=no-such-encoding")
	initdb, err := startChild(cmd, folder.user, 9)
	if err != nil {
		t.Fatal(err)
	}
	<-initdb.done
	var exit *exec.ExitError
	if !errors.As(initdb.err, &exit) || exists(folder.data()) {
		t.Errorf("initdb with an unknown encoding: %v, data folder there: %v", initdb.err, exists(folder.data()))
	}
}

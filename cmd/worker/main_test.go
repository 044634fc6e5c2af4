package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"pointsledger/internal/testkit"
)

// workerBinary is the program under test, built once: these tests run real
// processes.
var workerBinary string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "worker-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	workerBinary = filepath.Join(dir, "worker")
	if out, err := exec.Command("go", "build", "-o", workerBinary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build worker: %v\n%s", err, out)
		return 1
	}
	return testkit.Run(m)
}

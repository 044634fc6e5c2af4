package seal_test

import (
	"os"
	"testing"

	"pointsledger/internal/testkit"
)

func TestMain(m *testing.M) { os.Exit(testkit.Run(m)) }

package rehearsal_test

import (
	"os"
	"testing"

	"pointsledger/internal/config"
	"pointsledger/internal/rehearsal"
)

// The rehearsal's configuration is made of the built-in one, and a worker takes it.
func TestConfigIsAWorkers(t *testing.T) {
	t.Parallel()
	text, err := rehearsal.Config(string(config.DefaultFile()), "http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	read := func(string) ([]byte, error) { return []byte(text), nil }
	c, err := config.Load([]string{"WORKER_CONFIG=rehearsal.yaml", "ZHIMAI_OPEN_ID=a", "ZHIMAI_GRANT_CODE=b", "ZHIMAI_OPEN_KEY=c", "KYLIN_URL=http://127.0.0.1:1"}, read)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range c.Accounts {
		if a.Name == "mall" {
			return
		}
	}
	t.Errorf("no account mall among %d", len(c.Accounts))
}

func TestConfigNamesWhatIsNotThere(t *testing.T) {
	t.Parallel()
	if _, err := rehearsal.Config("vendors:\n", os.DevNull); err == nil {
		t.Error("a configuration without the rules was accepted")
	}
}

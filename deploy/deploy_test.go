// Package deploy_test checks the files of this folder.
package deploy_test

import (
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"pointsledger/vendorapi/sim"
)

// Without it, JetStream acknowledges what a power cut would lose.
func TestNATSSyncsEachMessage(t *testing.T) {
	t.Parallel()
	options, err := server.ProcessConfigFile("nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	if !options.JetStream || !options.SyncAlways || options.StoreDir != "/data" {
		t.Errorf("JetStream %v, SyncAlways %v, store %q; want true, true, /data", options.JetStream, options.SyncAlways, options.StoreDir)
	}
	if options.MaxPayload != 1<<20 {
		t.Errorf("largest message %d, want 1 MiB", options.MaxPayload)
	}
}

func TestMakeSecrets(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	script, err := os.ReadFile("make-secrets.sh")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "deploy"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "deploy", "make-secrets.sh")
	if err := os.WriteFile(path, script, 0o755); err != nil {
		t.Fatal(err)
	}
	run := func() map[string]string {
		if out, err := exec.Command("/bin/sh", path).CombinedOutput(); err != nil {
			t.Fatalf("make secrets: %v: %s", err, out)
		}
		return readAll(t, filepath.Join(root, "secrets"))
	}
	first := run()
	if again := run(); !maps.Equal(first, again) {
		t.Error("a second run changed what was there")
	}
	for name, want := range map[string]string{
		"zhimai_open_id": sim.DefaultOpenID, "zhimai_grant_code": sim.DefaultGrantCode, "zhimai_open_key": sim.DefaultOpenKey,
	} {
		if first[name] != want {
			t.Errorf("%s is %q, the simulator wants %q", name, first[name], want)
		}
	}
	for role, file := range map[string]string{"points_owner": "postgres_owner_password", "points_worker": "postgres_worker_password"} {
		dsn, err := url.Parse(first["database_url_"+strings.TrimPrefix(role, "points_")])
		if err != nil {
			t.Fatal(err)
		}
		if password, _ := dsn.User.Password(); dsn.User.Username() != role || password != first[file] || len(password) != 48 {
			t.Errorf("the URL of %s does not hold its password of 48 characters", role)
		}
	}
	if first["postgres_owner_password"] == first["postgres_worker_password"] {
		t.Error("both roles have one password")
	}
	info, err := os.Stat(filepath.Join(root, "secrets"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("secrets folder: mode %v, error %v, want 0700", info.Mode().Perm(), err)
	}
}

// Each secret that the compose file mounts is one that the script makes.
func TestComposeSecretsAreMade(t *testing.T) {
	t.Parallel()
	compose, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("make-secrets.sh")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(compose)) {
		_, rest, ok := strings.Cut(line, "{file: ./secrets/")
		if !ok {
			continue
		}
		found++
		name := strings.TrimRight(rest, "}\n")
		if !strings.Contains(string(script), "\nkeep "+name+" ") {
			t.Errorf("make-secrets.sh does not make %s", name)
		}
	}
	if found == 0 {
		t.Error("no secret file found in docker-compose.yml")
	}
}

// A worker's variables that somebody exported on the host stay on the host.
func TestComposeTakesNoVariableOfTheWorker(t *testing.T) {
	t.Parallel()
	compose, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	taken := regexp.MustCompile(`\$\{(\w+)`).FindAllStringSubmatch(string(compose), -1)
	if len(taken) == 0 {
		t.Error("no variable found in docker-compose.yml")
	}
	for _, name := range taken {
		if !strings.HasPrefix(name[1], "STACK_") {
			t.Errorf("docker-compose.yml takes %s from the host", name[1])
		}
	}
}

func readAll(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all[entry.Name()] = strings.TrimSpace(string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

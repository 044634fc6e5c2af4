package main

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"pointsledger/vendorapi/sim"
)

// The line of the help does what it says, as a person would paste it.
func TestSimulateHelpsCurlLineWorks(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`curl -X (\S+)(.*) (http://127\.0\.0\.1:8081)(\S*)(?: \\\n)? +-d '([^']*)'`).FindStringSubmatch(simulateHelp)
	if line == nil {
		t.Fatalf("no curl line in:\n%s", simulateHelp)
	}
	simulator, err := sim.New(sim.Config{})
	if err != nil {
		t.Fatal(err)
	}
	url, stop, err := simulator.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stop() })
	request, err := http.NewRequestWithContext(t.Context(), line[1], url+line[4], strings.NewReader(line[5]))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded") // what curl sends with -d
	for _, h := range regexp.MustCompile(`-H '([^:]*): ([^']*)'`).FindAllStringSubmatch(line[2], -1) {
		request.Header.Set(h[1], h[2])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), `"outage":"503"`) {
		t.Errorf("%s: %d %s %v", line[0], response.StatusCode, body, err)
	}
}

// A habit that makes no sense is a usage error, all others reach the simulator.
func TestSimulateFlags(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"--records-zone Shanghai", "--records-empty-rate 2", "--identity-nobody someone", "--kylin-body x", "--records-shape C"} {
		if _, err := simulatorOf(strings.Fields(args)...); err == nil {
			t.Errorf("%s was accepted", args)
		}
	}
	if _, err := simulatorOf(strings.Fields("--records-zone Z --records-keep-newest 3 --records-keep-for 1h --records-empty-rate 0.1" +
		" --identity-nobody zero --kylin-body empty --records-reason-cut 20 --records-page-cap 50")...); err != nil {
		t.Error(err)
	}
}

func simulatorOf(args ...string) (*sim.Simulator, error) {
	o := &simulateOptions{}
	c := newSimulate()
	c.ResetFlags()
	o.addFlags(c.Flags())
	if err := c.ParseFlags(args); err != nil {
		return nil, err
	}
	return o.simulator()
}

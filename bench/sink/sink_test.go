package sink

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// start serves on a free port until the test ends.
func start(t *testing.T) *Client {
	t.Helper()
	s := &server{}
	s.book.Store(newBook(Behaviour{}, nil))
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fasthttp.Server{Handler: s.handle, Logger: silent{}}
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(l) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		_ = l.Close()
		<-ended
	})
	return NewClient(l.Addr().String())
}

func post(t *testing.T, url, token, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Business-Token", token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

func grant(key, member string) string {
	return `{"Action":"user.points-add","Params":{"balance":"12","bizId":"` + key + `","customerId":"` + member + `","reason":"r #X"}}`
}

func TestSinkCountsKeysAndStrangers(t *testing.T) {
	t.Parallel()
	c := start(t)
	if err := c.Behave(t.Context(), Behaviour{FirstMember: 100, Events: 2}); err != nil {
		t.Fatal(err)
	}
	began := time.Now().UnixNano()
	for _, call := range []struct{ key, member string }{{"a", "100"}, {"b", "101"}, {"a", "100"}, {"c", "102"}, {"d", "99"}, {"e", "x"}} {
		post(t, c.ZhimaiURL(), "", grant(call.key, call.member))
	}
	post(t, c.KylinURL()+"/openapi/v2/member/freezePoint", "k", `{"memberId":"101"}`)
	got, err := c.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := Stats{Zhimai: Count{Calls: 3, Distinct: 2, Applied: 2, AppliedAgain: 1}, Kylin: Count{Calls: 1, Distinct: 1, Applied: 1}, Stray: 3, MaxAtOnce: 1}
	if got.AnswerMS <= 0 {
		t.Errorf("answers took %g ms", got.AnswerMS)
	}
	got.AnswerMS = 0
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	arrived, err := c.Arrivals(t.Context(), "zhimai")
	if err != nil || len(arrived) != 2 || arrived[0] < began || arrived[1] < arrived[0] {
		t.Errorf("arrivals %v, %v; began %d", arrived, err, began)
	}
	for _, goal := range []Goal{{Zhimai: 2, Kylin: 1}, {Zhimai: 3}} {
		reached, err := c.Reached(t.Context(), goal)
		if err != nil || reached != (goal.Zhimai == 2) {
			t.Errorf("goal %+v reached: %v, %v", goal, reached, err)
		}
	}
}

// A failing call is told apart by its event: applied or not, and shown so.
func TestSinkFails(t *testing.T) {
	t.Parallel()
	c := start(t)
	b := Behaviour{FirstMember: 1000, Events: 200, FailPercent: 100}
	if err := c.Behave(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	for n, member := range []string{"1000", "1001", "1002", "1003", "1004", "1005"} {
		_, applied := b.ClassOf(n)
		if status, _ := post(t, c.ZhimaiURL(), "", grant("k"+member, member)); status != http.StatusInternalServerError {
			t.Errorf("first call of %s: status %d, want 500", member, status)
		}
		scan := `{"Action":"user.user-points-records","Params":{"user_id":"` + member + `"}}`
		if _, answer := post(t, c.ZhimaiURL(), "", scan); strings.Contains(answer, `"points":"12","source_desc":"r #X"`) != applied {
			t.Errorf("records of %s, applied %v: %s", member, applied, answer)
		}
		if applied {
			continue
		}
		if status, answer := post(t, c.ZhimaiURL(), "", grant("k"+member, member)); status != http.StatusOK || answer != string(zhimaiSuccess) {
			t.Errorf("second call of %s: %d %s", member, status, answer)
		}
	}
	got, err := c.Stats(t.Context())
	if err != nil || got.Zhimai.Applied != 6 || got.Zhimai.AppliedAgain != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// What a worker samples is shown, also when the behaviour has changed since, and
// is no stray call.
func TestSinkShowsWhatIsSampled(t *testing.T) {
	t.Parallel()
	c := start(t)
	scan := `{"Action":"user.user-points-records","Params":{"user_id":"1000"}}`
	for round := range 3 {
		if err := c.Behave(t.Context(), Behaviour{FirstMember: int64(1000 + round), Events: 1}); err != nil {
			t.Fatal(err)
		}
		post(t, c.ZhimaiURL(), "", grant("k"+strconv.Itoa(round), strconv.Itoa(1000+round)))
		if _, answer := post(t, c.ZhimaiURL(), "", scan); strings.Contains(answer, `"source_desc":"r #X"`) != (round < 2) {
			t.Errorf("%d behaviours later: %s", round, answer)
		}
	}
	if _, answer := post(t, c.ZhimaiURL(), "", `{"Action":"communal.user.identity","Params":{"type":"4","user_id":"1000"}}`); answer != string(noMember) {
		t.Errorf("identity: %s", answer)
	}
	if got, err := c.Stats(t.Context()); err != nil || got.Stray != 0 || got.Scans != 1 || got.Zhimai.Applied != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestClassesHaveTheirShare(t *testing.T) {
	t.Parallel()
	b := Behaviour{FailPercent: 5, TimeoutPercent: 2}
	const n = 100_000
	counts := map[Class]int{}
	anyway := 0
	for i := range n {
		class, applied := b.ClassOf(i)
		counts[class]++
		if class != Good && applied {
			anyway++
		}
		if class == Good && !applied {
			t.Fatalf("event %d is good and not applied", i)
		}
	}
	for class, percent := range map[Class]int{Failing: 5, Slow: 2} {
		if share := counts[class] * 1000 / n; share < percent*10-2 || share > percent*10+2 {
			t.Errorf("class %d: %d of %d, want %d %%", class, counts[class], n, percent)
		}
	}
	if anyway < n*3/100 || anyway > n*4/100 {
		t.Errorf("%d faulty calls are applied, want about half of 7 %%", anyway)
	}
}

func TestDelayIsWhole(t *testing.T) {
	t.Parallel()
	c := start(t)
	if err := c.Behave(t.Context(), Behaviour{FirstMember: 1, Events: 1, DelayMS: 30}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	post(t, c.ZhimaiURL(), "", grant("a", "1"))
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("answered after %v, want 30 ms", took)
	}
}

func TestServeTellsItsAddressAndEnds(t *testing.T) {
	t.Parallel()
	out, ready := io.Pipe()
	stop, end := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Serve(ready, stop) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewClient(strings.TrimSpace(line)).Stats(t.Context()); err != nil {
		t.Error(err)
	}
	if err := end.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("end of its input: %v, want no error", err)
	}
}

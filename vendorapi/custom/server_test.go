package custom_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// got is a request as a server saw it.
type got struct {
	target string // method and request URI
	header http.Header
	body   string
}

// server answers each request with what answer makes of it, and keeps them all.
type server struct {
	url string

	mu  sync.Mutex
	all []got
}

// reply is a server's answer.
type reply struct {
	status int
	body   string
	header map[string]string
}

func serve(t testing.TB, answer func(n int, r got) reply) *server {
	t.Helper()
	s := &server{}
	listening := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		one := got{r.Method + " " + r.URL.RequestURI(), r.Header, string(body)}
		s.all = append(s.all, one)
		n := len(s.all)
		s.mu.Unlock()
		a := answer(n, one)
		for name, value := range a.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(max(a.status, 200))
		_, _ = io.WriteString(w, a.body)
	}))
	t.Cleanup(listening.Close)
	s.url = listening.URL
	return s
}

// always is a server that gives one answer.
func always(t testing.TB, status int, body string) *server {
	t.Helper()
	return serve(t, func(int, got) reply { return reply{status: status, body: body} })
}

// requests are all that came so far.
func (s *server) requests() []got {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]got(nil), s.all...)
}

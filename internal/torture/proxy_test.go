package torture

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"
)

// echoServer answers each line with itself and tells what it received.
func echoServer(t *testing.T) (address string, received <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	lines := make(chan string, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				for scanner := bufio.NewScanner(conn); scanner.Scan(); {
					lines <- scanner.Text()
					_, _ = io.WriteString(conn, scanner.Text()+"\n")
				}
				conn.Close()
			}()
		}
	}()
	return listener.Addr().String(), lines
}

func dial(t *testing.T, p *proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp4", p.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func ask(conn net.Conn, line string) (string, error) {
	if _, err := io.WriteString(conn, line+"\n"); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}

func TestProxyCuts(t *testing.T) {
	t.Parallel()
	address, received := echoServer(t)
	p, err := newProxy(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	conn := dial(t, p)
	if answer, err := ask(conn, "before"); answer != "before\n" {
		t.Fatalf("passed on: %q, %v", answer, err)
	}
	<-received
	p.cut(0, false, func(time.Duration) {
		// The reset may be heard as early as in the dial.
		conn, err := net.Dial("tcp4", p.address())
		if err != nil {
			return
		}
		defer conn.Close()
		if answer, err := ask(conn, "during"); err == nil {
			t.Errorf("a cut connection answers %q", answer)
		}
	})
	if answer, err := ask(conn, "dropped"); err == nil {
		t.Errorf("a dropped connection answers %q", answer)
	}
	if answer, err := ask(dial(t, p), "after"); answer != "after\n" {
		t.Errorf("after the cut: %q, %v", answer, err)
	}
	if line := <-received; line != "after" {
		t.Errorf("the server received %q through a cut", line)
	}
}

func TestProxyLosesReplies(t *testing.T) {
	t.Parallel()
	address, received := echoServer(t)
	p, err := newProxy(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	conn := dial(t, p)
	if _, err := ask(conn, "before"); err != nil {
		t.Fatal(err)
	}
	<-received
	p.cut(0, true, func(time.Duration) {
		if _, err := io.WriteString(conn, "done\n"); err != nil {
			t.Error(err)
		}
		if line := <-received; line != "done" {
			t.Errorf("the server received %q", line)
		}
	})
	if answer, err := bufio.NewReader(conn).ReadString('\n'); err == nil {
		t.Errorf("the reply %q was not lost", answer)
	}
}

package sink

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Client talks to a sink.
type Client struct {
	// Address is host:port.
	Address string
	http    http.Client
}

// NewClient makes one.
func NewClient(address string) *Client {
	return &Client{Address: address, http: http.Client{Timeout: 30 * time.Second}}
}

// ZhimaiURL is where points are granted.
func (c *Client) ZhimaiURL() string { return "http://" + c.Address + "/api/v2" }

// KylinURL is what Kylin's path is appended to.
func (c *Client) KylinURL() string { return "http://" + c.Address }

// Behave sets the behaviour and forgets what was counted. No call may be on
// its way.
func (c *Client) Behave(ctx context.Context, b Behaviour) error {
	raw, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("write behaviour: %w", err)
	}
	_, err = c.ask(ctx, "/_sink/behave", raw)
	return err
}

// Stats reads what the sink saw.
func (c *Client) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	raw, err := c.ask(ctx, "/_sink/stats", nil)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, fmt.Errorf("read sink's stats: %w", err)
	}
	return s, nil
}

// Reached waits up to half a second for a goal, and says whether it was reached.
func (c *Client) Reached(ctx context.Context, goal Goal) (bool, error) {
	body, err := json.Marshal(goal)
	if err != nil {
		return false, fmt.Errorf("write goal: %w", err)
	}
	raw, err := c.ask(ctx, "/_sink/wait", body)
	return string(raw) == "true", err
}

// Arrivals is when the first call of each event came to a vendor ("zhimai" or
// "kylin"), in Unix nanoseconds; 0 is not seen.
func (c *Client) Arrivals(ctx context.Context, vendor string) ([]int64, error) {
	raw, err := c.ask(ctx, "/_sink/arrivals/"+vendor, nil)
	if err != nil {
		return nil, err
	}
	times := make([]int64, len(raw)/8)
	for i := range times {
		times[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return times, nil
}

func (c *Client) ask(ctx context.Context, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.Address+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask sink: %w", err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask sink: %w", err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read sink's answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask sink %s: status %d: %s", path, response.StatusCode, raw)
	}
	return raw, nil
}

package peers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// answerLimit bounds what is read of an answer, in bytes.
const answerLimit = 64 << 10

// poster makes the calls with net/http and connections that are kept.
type poster struct {
	client http.Client
	url    string
}

func newPoster(url string, atOnce int) *poster {
	return &poster{url: url, client: http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{
		MaxIdleConns: 2 * atOnce, MaxIdleConnsPerHost: 2 * atOnce, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
	}}}
}

// post makes one call; nil is the vendor's success.
func (p *poster) post(ctx context.Context, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make call: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		return fmt.Errorf("make call: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if response.StatusCode != http.StatusOK || !bytes.Contains(answer, []byte(`"status":"true"`)) {
		return fmt.Errorf("call: status %d: %s", response.StatusCode, answer)
	}
	return nil
}

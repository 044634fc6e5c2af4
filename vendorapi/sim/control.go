package sim

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// controlRoutes are the paths under /_sim/. They ask for no password and are
// meant for loopback only.
//
//	GET  /_sim/healthz   200
//	GET  /_sim/book      all entries and totals; ?vendor= and ?key= narrow, ?format=csv
//	GET  /_sim/totals    totals per vendor
//	GET  /_sim/config    the settings that can be changed (without the key)
//	PUT  /_sim/config    change settings; what is left out stays
//	POST /_sim/rows      insert unrelated rows into a member's records
//
// What changes something wants Content-Type application/json, so that a web
// page open in a browser on the same machine cannot send it.
func (s *Simulator) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /_sim/book", s.serveBook)
	mux.HandleFunc("GET /_sim/totals", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.allTotals())
	})
	mux.HandleFunc("GET /_sim/config", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.currentConfig())
	})
	mux.HandleFunc("PUT /_sim/config", s.serveChange)
	mux.HandleFunc("POST /_sim/rows", s.serveRows)
	return mux
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client left
}

func writeProblem(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, map[string]string{"error": err.Error()})
}

func (s *Simulator) allTotals() map[Vendor]Totals {
	all := make(map[Vendor]Totals, len(vendorNames))
	for _, v := range vendorNames {
		all[v] = s.Totals(v)
	}
	return all
}

func (s *Simulator) serveBook(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	vendor, key := q.Get("vendor"), q.Get("key")
	entries := []Entry{}
	for _, e := range s.Book() {
		if (vendor == "" || vendor == string(e.Vendor)) && (key == "" || key == e.Key) {
			entries = append(entries, e)
		}
	}
	switch q.Get("format") {
	case "", "json":
		out := bufio.NewWriter(w)
		defer out.Flush()
		w.Header().Set("Content-Type", jsonType)
		_ = json.NewEncoder(out).Encode(map[string]any{"entries": entries, "totals": s.allTotals()}) // the client left
	case "csv":
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		writeBookCSV(w, entries)
	default:
		writeProblem(w, http.StatusBadRequest, errors.New("format: want json or csv"))
	}
}

func writeBookCSV(w io.Writer, entries []Entry) {
	out := csv.NewWriter(w)
	defer out.Flush()
	_ = out.Write([]string{"vendor", "key", "member", "points", "received", "applied", "applied_points", "repeats",
		"refused", "mismatched", "first_at", "last_at"})
	for _, e := range entries {
		_ = out.Write([]string{string(e.Vendor), e.Key, e.Member, strconv.FormatInt(e.Points, 10), strconv.Itoa(e.Received),
			strconv.Itoa(e.Applied), strconv.FormatInt(e.AppliedPoints, 10), strconv.Itoa(e.Repeats), strconv.Itoa(e.Refused),
			strconv.Itoa(e.Mismatched), e.FirstAt.Format(time.RFC3339Nano), e.LastAt.Format(time.RFC3339Nano)})
	}
}

// controlConfig is the body of GET and PUT /_sim/config.
type controlConfig struct {
	Zhimai *vendorChange `json:"zhimai,omitempty"`
	Kylin  *vendorChange `json:"kylin,omitempty"`
}

// vendorChange changes one vendor; what is nil stays.
type vendorChange struct {
	Outage      *Outage       `json:"outage,omitempty"`        // off, close, 503
	Dedup       *DedupMode    `json:"dedup,omitempty"`         // success, code, off
	KeyMemoryMs *int64        `json:"key_memory_ms,omitempty"` // 0: for ever
	Faults      *faultsChange `json:"faults,omitempty"`
	// Zhimai only.
	OpenKey               *string `json:"open_key,omitempty"`
	RecordsShape          *Shape  `json:"records_shape,omitempty"`
	EchoReason            *bool   `json:"echo_reason,omitempty"`
	RecordsLagMs          *int64  `json:"records_lag_ms,omitempty"`
	RecordsStrings        *bool   `json:"records_strings,omitempty"`
	RowsBetweenPages      *int    `json:"rows_between_pages,omitempty"`
	RowsBetweenPagesLimit *int    `json:"rows_between_pages_limit,omitempty"`
}

// faultsChange begins from the preset, or from what is set, and replaces the
// rates it names.
type faultsChange struct {
	Preset            *string               `json:"preset,omitempty"` // none, light, heavy
	Rates             map[FaultKind]float64 `json:"rates,omitempty"`
	MaxPerKey         *int                  `json:"max_per_key,omitempty"`
	HangForMs         *int64                `json:"hang_for_ms,omitempty"`
	RetryAfterMs      *int64                `json:"retry_after_ms,omitempty"`
	UnauthorisedForMs *int64                `json:"unauthorised_for_ms,omitempty"`
}

func ms(d time.Duration) *int64 { return new(d.Milliseconds()) }

func (s *Simulator) currentConfig() controlConfig {
	view := func(i int) *vendorChange {
		set := s.vendors[i].settings.Load()
		f := set.faults.Faults
		return &vendorChange{Outage: &set.outage, Dedup: &set.dedup.Mode, KeyMemoryMs: ms(set.dedup.KeyMemory),
			Faults: &faultsChange{Rates: f.Rates, MaxPerKey: &f.MaxPerKey, HangForMs: ms(f.HangFor),
				RetryAfterMs: ms(f.RetryAfter), UnauthorisedForMs: ms(f.UnauthorisedFor)}}
	}
	z, r := view(0), s.vendors[0].settings.Load().records
	z.RecordsShape, z.EchoReason, z.RecordsLagMs, z.RecordsStrings = &r.Shape, &r.EchoReason, ms(r.Lag), &r.Strings
	z.RowsBetweenPages, z.RowsBetweenPagesLimit = &r.RowsBetweenPages, &r.RowsBetweenPagesLimit
	return controlConfig{Zhimai: z, Kylin: view(1)}
}

// readControl decodes a small JSON body and refuses names it does not know.
func readControl(w http.ResponseWriter, r *http.Request, into any) bool {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		writeProblem(w, http.StatusUnsupportedMediaType, errors.New("want Content-Type application/json"))
		return false
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		writeProblem(w, http.StatusBadRequest, fmt.Errorf("read request: %w", err))
		return false
	}
	return true
}

func (s *Simulator) serveChange(w http.ResponseWriter, r *http.Request) {
	var c controlConfig
	if !readControl(w, r, &c) {
		return
	}
	if err := s.applyControl(c); err != nil {
		writeProblem(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, http.StatusOK, s.currentConfig())
}

// applyControl changes both vendors or neither.
func (s *Simulator) applyControl(c controlConfig) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	var next [len(vendorNames)]settings
	for i, change := range [...]*vendorChange{c.Zhimai, c.Kylin} {
		next[i] = *s.vendors[i].settings.Load()
		if change == nil {
			continue
		}
		if i == 1 && (change.OpenKey != nil || change.RecordsShape != nil || change.EchoReason != nil || change.RecordsLagMs != nil ||
			change.RecordsStrings != nil || change.RowsBetweenPages != nil || change.RowsBetweenPagesLimit != nil) {
			return errors.New("kylin: open_key, echo_reason, records_ and rows_ settings are Zhimai's")
		}
		if err := change.edit(&next[i]); err != nil {
			return fmt.Errorf("%s: %w", vendorNames[i], err)
		}
		if err := next[i].validate(vendorNames[i]); err != nil {
			return fmt.Errorf("%s: %w", vendorNames[i], err)
		}
	}
	for i := range next {
		s.vendors[i].settings.Store(&next[i])
	}
	return nil
}

func replace[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

func replaceMs(field *time.Duration, value *int64) {
	if value != nil {
		*field = time.Duration(*value) * time.Millisecond
	}
}

func (c *vendorChange) edit(set *settings) error {
	replace(&set.outage, c.Outage)
	replace(&set.dedup.Mode, c.Dedup)
	replaceMs(&set.dedup.KeyMemory, c.KeyMemoryMs)
	replace(&set.openKey, c.OpenKey)
	replace(&set.records.Shape, c.RecordsShape)
	replace(&set.records.EchoReason, c.EchoReason)
	replaceMs(&set.records.Lag, c.RecordsLagMs)
	replace(&set.records.Strings, c.RecordsStrings)
	replace(&set.records.RowsBetweenPages, c.RowsBetweenPages)
	replace(&set.records.RowsBetweenPagesLimit, c.RowsBetweenPagesLimit)
	if c.OpenKey != nil && *c.OpenKey == "" {
		return errors.New("open_key: want one that is not empty")
	}
	if c.Faults == nil {
		return nil
	}
	f := set.faults.Faults
	if c.Faults.Preset != nil {
		preset, err := FaultsPreset(*c.Faults.Preset)
		if err != nil {
			return err
		}
		f = preset
	}
	f.Rates = maps.Clone(f.Rates)
	if f.Rates == nil {
		f.Rates = make(map[FaultKind]float64)
	}
	maps.Copy(f.Rates, c.Faults.Rates)
	replace(&f.MaxPerKey, c.Faults.MaxPerKey)
	replaceMs(&f.HangFor, c.Faults.HangForMs)
	replaceMs(&f.RetryAfter, c.Faults.RetryAfterMs)
	replaceMs(&f.UnauthorisedFor, c.Faults.UnauthorisedForMs)
	set.faults = compileFaults(f)
	return nil
}

// serveRows inserts rows; at most 1,000 at once.
func (s *Simulator) serveRows(w http.ResponseWriter, r *http.Request) {
	rows := struct {
		Member string `json:"member"`
		Points int64  `json:"points"`
		Type   string `json:"type"`
		Text   string `json:"text"`
		Count  int    `json:"count"`
	}{Type: "in", Text: "客服补发", Count: 1}
	if !readControl(w, r, &rows) {
		return
	}
	if rows.Type != "in" && rows.Type != "out" || rows.Count < 1 || rows.Count > 1000 || len(rows.Text) > 1000 {
		writeProblem(w, http.StatusBadRequest, errors.New("want type in or out, count 1 to 1000, text of at most 1000 bytes"))
		return
	}
	for range rows.Count {
		if err := s.InsertRow(rows.Member, rows.Points, rows.Type == "out", rows.Text); err != nil {
			writeProblem(w, http.StatusBadRequest, err)
			return
		}
	}
	writeJSON(w, http.StatusCreated, map[string]int{"inserted": rows.Count})
}

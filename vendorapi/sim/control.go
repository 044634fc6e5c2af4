package sim

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
		"refused", "mismatched", "first_at", "last_at", "action", "first_no", "applied_no"})
	for _, e := range entries {
		_ = out.Write([]string{string(e.Vendor), e.Key, e.Member, strconv.FormatInt(e.Points, 10), strconv.Itoa(e.Received),
			strconv.Itoa(e.Applied), strconv.FormatInt(e.AppliedPoints, 10), strconv.Itoa(e.Repeats), strconv.Itoa(e.Refused),
			strconv.Itoa(e.Mismatched), e.FirstAt.Format(time.RFC3339Nano), e.LastAt.Format(time.RFC3339Nano),
			e.Action, strconv.FormatInt(e.FirstNo, 10), strconv.FormatInt(e.AppliedNo, 10)})
	}
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

// serveRows inserts rows; at most 1,000 at once.
func (s *Simulator) serveRows(w http.ResponseWriter, r *http.Request) {
	rows := struct {
		Member string `json:"member"`
		Points int64  `json:"points"`
		Type   string `json:"type"`
		Text   string `json:"text"`
		Count  int    `json:"count"`
		AgeMs  int64  `json:"age_ms"`
	}{Type: "in", Text: "客服补发", Count: 1}
	if !readControl(w, r, &rows) {
		return
	}
	if rows.Type != "in" && rows.Type != "out" || rows.Count < 1 || rows.Count > 1000 || len(rows.Text) > 1000 {
		writeProblem(w, http.StatusBadRequest, errors.New("want type in or out, count 1 to 1000, text of at most 1000 bytes"))
		return
	}
	for range rows.Count {
		if err := s.InsertOldRow(rows.Member, rows.Points, rows.Type == "out", rows.Text, time.Duration(rows.AgeMs)*time.Millisecond); err != nil {
			writeProblem(w, http.StatusBadRequest, err)
			return
		}
	}
	writeJSON(w, http.StatusCreated, map[string]int{"inserted": rows.Count})
}

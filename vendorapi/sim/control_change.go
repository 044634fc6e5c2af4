package sim

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"
)

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
	Body        *KylinBody    `json:"body,omitempty"` // Kylin only
	zhimaiChange
}

// zhimaiChange is what only Zhimai has; see RecordsConfig and IdentityConfig.
type zhimaiChange struct {
	OpenKey               *string  `json:"open_key,omitempty"`
	RecordsShape          *Shape   `json:"records_shape,omitempty"`
	EchoReason            *bool    `json:"echo_reason,omitempty"`
	EchoPerRecord         *bool    `json:"echo_per_record,omitempty"`
	RecordsQuotePrevious  *bool    `json:"records_quote_previous,omitempty"`
	RecordsReasonCut      *int     `json:"records_reason_cut,omitempty"`
	RecordsZone           *string  `json:"records_zone,omitempty"` // +08:00
	RecordsLagMs          *int64   `json:"records_lag_ms,omitempty"`
	RecordsKeepNewest     *int     `json:"records_keep_newest,omitempty"`
	RecordsKeepForMs      *int64   `json:"records_keep_for_ms,omitempty"`
	RecordsStale          *bool    `json:"records_stale,omitempty"` // true: as they stand at this moment
	RecordsStaleRate      *float64 `json:"records_stale_rate,omitempty"`
	RecordsEmptyRate      *float64 `json:"records_empty_rate,omitempty"`
	RecordsMissingRate    *float64 `json:"records_missing_rate,omitempty"`
	RecordsPageCap        *int     `json:"records_page_cap,omitempty"`
	RecordsShortPageRate  *float64 `json:"records_short_page_rate,omitempty"`
	RecordsStrings        *bool    `json:"records_strings,omitempty"`
	RowsBetweenPages      *int     `json:"rows_between_pages,omitempty"`
	RowsBetweenPagesLimit *int     `json:"rows_between_pages_limit,omitempty"`
	IdentityNobody        *Nobody  `json:"identity_nobody,omitempty"`
	BalanceStuck          *bool    `json:"balance_stuck,omitempty"` // true: as they are at this moment
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
	z := view(0)
	z.zhimaiChange = showZhimai(s.vendors[0].settings.Load())
	k := view(1)
	k.Body = &s.vendors[1].settings.Load().body
	return controlConfig{Zhimai: z, Kylin: k}
}

func showZhimai(set *settings) zhimaiChange {
	r, i := set.records, set.identity
	return zhimaiChange{RecordsShape: &r.Shape, EchoReason: &r.EchoReason, EchoPerRecord: &r.EchoPerRecord,
		RecordsQuotePrevious: &r.QuotePrevious, RecordsReasonCut: &r.ReasonCut, RecordsZone: &r.Zone, RecordsLagMs: ms(r.Lag), RecordsKeepNewest: &r.KeepNewest,
		RecordsKeepForMs: ms(r.KeepFor), RecordsStale: new(!r.StaleSince.IsZero()), RecordsStaleRate: &r.StaleRate,
		RecordsEmptyRate: &r.EmptyRate, RecordsMissingRate: &r.MissingRate, RecordsPageCap: &r.PageCap,
		RecordsShortPageRate: &r.ShortPageRate, RecordsStrings: &r.Strings, RowsBetweenPages: &r.RowsBetweenPages,
		RowsBetweenPagesLimit: &r.RowsBetweenPagesLimit, IdentityNobody: &i.Nobody, BalanceStuck: new(!i.BalanceSince.IsZero())}
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
		if i == 1 && change.zhimaiChange != (zhimaiChange{}) {
			return errors.New("kylin: it has outage, dedup, key_memory_ms, faults and body; all other settings are Zhimai's")
		}
		if i == 0 && change.Body != nil {
			return errors.New("zhimai: body is a setting of Kylin's")
		}
		if err := change.edit(&next[i], s.now()); err != nil {
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

// replaceSince sets the moment at which a copy stopped, or ends that.
func replaceSince(field *time.Time, stopped *bool, now time.Time) {
	if stopped == nil {
		return
	}
	*field = time.Time{}
	if *stopped {
		*field = now
	}
}

func (c zhimaiChange) edit(set *settings, now time.Time) {
	replace(&set.openKey, c.OpenKey)
	r := &set.records
	replace(&r.Shape, c.RecordsShape)
	replace(&r.EchoReason, c.EchoReason)
	replace(&r.EchoPerRecord, c.EchoPerRecord)
	replace(&r.QuotePrevious, c.RecordsQuotePrevious)
	replace(&r.ReasonCut, c.RecordsReasonCut)
	replace(&r.Zone, c.RecordsZone)
	replaceMs(&r.Lag, c.RecordsLagMs)
	replace(&r.KeepNewest, c.RecordsKeepNewest)
	replaceMs(&r.KeepFor, c.RecordsKeepForMs)
	replaceSince(&r.StaleSince, c.RecordsStale, now)
	replace(&r.StaleRate, c.RecordsStaleRate)
	replace(&r.EmptyRate, c.RecordsEmptyRate)
	replace(&r.MissingRate, c.RecordsMissingRate)
	replace(&r.PageCap, c.RecordsPageCap)
	replace(&r.ShortPageRate, c.RecordsShortPageRate)
	replace(&r.Strings, c.RecordsStrings)
	replace(&r.RowsBetweenPages, c.RowsBetweenPages)
	replace(&r.RowsBetweenPagesLimit, c.RowsBetweenPagesLimit)
	replace(&set.identity.Nobody, c.IdentityNobody)
	replaceSince(&set.identity.BalanceSince, c.BalanceStuck, now)
}

func (c *vendorChange) edit(set *settings, now time.Time) error {
	replace(&set.outage, c.Outage)
	replace(&set.dedup.Mode, c.Dedup)
	replaceMs(&set.dedup.KeyMemory, c.KeyMemoryMs)
	replace(&set.body, c.Body)
	c.zhimaiChange.edit(set, now)
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

package rules

import (
	"maps"
	"slices"
	"strings"

	"pointsledger/ledger"
)

// compileSources reads which source may publish on which subject.
func (r *Rules) compileSources(sources map[string]string, p *problems) {
	if sources == nil {
		return
	}
	r.sources = make(map[string]string, len(sources))
	for _, token := range slices.Sorted(maps.Keys(sources)) {
		place := "sources." + token
		if token == "" || strings.ContainsAny(token, ".*> \t") || hasControl(token) {
			p.add(place, "want one token of a subject: without dots, spaces, * and >")
		}
		if sources[token] == "" || hasControl(sources[token]) {
			p.add(place, "want the source that may publish there, got %q", sources[token])
		}
		r.sources[token] = sourceKey(sources[token])
	}
	if len(r.sources) == 0 {
		p.add("sources", "want at least one, or no sources at all: this refuses every event")
	}
}

// checkSource wants the source that the last token of the subject stands for, so
// that the broker's permissions bind a publisher to its own shop. rest is what
// stands behind the type.
func (x *reading) checkSource(rest string) *ledger.Rejection {
	if x.rules.sources == nil {
		return nil
	}
	token := rest[strings.LastIndexByte(rest, '.')+1:]
	source, known := x.rules.sources[token]
	switch {
	case token == "":
		return ledger.Rejectf(ledger.SubjectMismatch, "the subject %q ends with the type: want a token of sources behind it (%s.<token>), which says whose events these are", clip(x.message.Subject), clip(subjectPrefix+x.typ))
	case !known:
		return ledger.Rejectf(ledger.SubjectMismatch, "the subject's last token %q is not in sources", clip(token))
	case source != sourceKey(x.source):
		return ledger.Rejectf(ledger.SubjectMismatch, "source: %q may not be said on a subject that ends in %q, which is for %q (sources)", clip(x.source), clip(token), clip(source))
	}
	return nil
}

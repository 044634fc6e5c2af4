package rules

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"pointsledger/ledger"
	"pointsledger/rules/cloudevent"
	"pointsledger/rules/spelling"
)

// subjectPrefix stands before the type in a subject.
const subjectPrefix = "points.events."

// compileSources reads which source may publish on which subject.
func (r *Rules) compileSources(sources map[string]string, p *problems) {
	if sources == nil {
		return
	}
	r.sources = make(map[string]string, len(sources))
	for _, token := range slices.Sorted(maps.Keys(sources)) {
		place := "sources." + token
		if token == "" || strings.ContainsAny(token, ".*> \t") || cloudevent.HasControl(token) {
			p.add(place, "want one token of a subject: without dots, spaces, * and >")
		}
		if sources[token] == "" || cloudevent.HasControl(sources[token]) {
			p.add(place, "want the source that may publish there, got %q", sources[token])
		}
		r.sources[token] = spelling.SourceKey(sources[token])
	}
	if len(r.sources) == 0 {
		p.add("sources", "want at least one, or no sources at all: this refuses every event")
	}
}

// checkSubject wants points.events.<type>, with further tokens allowed. The
// type decides; a subject that disagrees may have passed the broker's
// permissions for another type. An empty subject (explain) is not checked.
func (x *reading) checkSubject() *ledger.Rejection {
	subject := x.message.Subject
	if subject == "" {
		return nil
	}
	rest, ok := strings.CutPrefix(subject, subjectPrefix)
	if ok {
		rest, ok = strings.CutPrefix(rest, x.came.Type)
	}
	if !ok || rest != "" && rest[0] != '.' {
		return ledger.Rejectf(ledger.SubjectMismatch, "the type is %q, the subject %q: want the subject %s", cloudevent.Clip(x.came.Type), cloudevent.Clip(subject), cloudevent.Clip(subjectPrefix+x.came.Type))
	}
	if !utf8.ValidString(subject) || cloudevent.HasControl(subject) {
		return ledger.Rejectf(ledger.SubjectMismatch, "the subject %q has characters that cannot be stored", cloudevent.Clip(subject))
	}
	return x.checkSource(rest)
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
		return ledger.Rejectf(ledger.SubjectMismatch, "the subject %q ends with the type: want a token of sources behind it (%s.<token>), which says whose events these are", cloudevent.Clip(x.message.Subject), cloudevent.Clip(subjectPrefix+x.came.Type))
	case !known:
		return ledger.Rejectf(ledger.SubjectMismatch, "the subject's last token %q is not in sources", cloudevent.Clip(token))
	case source != spelling.SourceKey(x.came.Source):
		return ledger.Rejectf(ledger.SubjectMismatch, "source: %q may not be said on a subject that ends in %q, which is for %q (sources)", cloudevent.Clip(x.came.Source), cloudevent.Clip(token), cloudevent.Clip(source))
	}
	return nil
}

package report

import (
	"fmt"
	"html"
	"strings"
)

// The charts' measures, in pixels.
const (
	chartWidth  = 760
	labelWidth  = 120
	valueWidth  = 110
	barHeight   = 18
	lineHeight  = 140
	chartMargin = 16
)

// colours by peer; the worker's stands out.
func colour(peer string) string {
	if peer == ours {
		return "#c2410c"
	}
	return "#94a3b8"
}

// canvas grows downwards.
type canvas struct {
	strings.Builder
	y int
}

func (c *canvas) text(x, y int, anchor, style, text string) {
	fmt.Fprintf(c, `<text x="%d" y="%d" text-anchor="%s"%s>%s</text>`+"\n", x, y, anchor, style, html.EscapeString(text))
}

func (c *canvas) title(text string) {
	c.y += 30
	c.text(chartMargin, c.y, "start", ` font-weight="bold"`, text)
	c.y += 8
}

// lineChars is what surely fits in the width of a chart.
const lineChars = 105

// paragraph breaks a text into lines.
func (c *canvas) paragraph(text string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > lineChars {
			c.y += 16
			c.text(chartMargin, c.y, "start", ` fill="#64748b"`, line)
			line = ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	c.y += 16
	c.text(chartMargin, c.y, "start", ` fill="#64748b"`, line)
}

// bars draws the medians of some peers with their ranges.
func (t *Tables) bars(c *canvas, title, name string, peers []string, value func(Record) float64, digits int) {
	var spreads []spread
	most := 0.0
	for _, peer := range peers {
		s := spreadOf(t.runsOf(name, peer), value)
		spreads, most = append(spreads, s), max(most, s.most)
	}
	if most == 0 {
		return
	}
	c.title(title)
	scale := float64(chartWidth-labelWidth-valueWidth-2*chartMargin) / most
	for i, s := range spreads {
		if s.runs == 0 {
			continue
		}
		left := chartMargin + labelWidth
		c.text(left-8, c.y+14, "end", "", peers[i])
		fmt.Fprintf(c, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", left, c.y+2, s.median*scale, barHeight-4, colour(peers[i]))
		fmt.Fprintf(c, `<path d="M%.1f %dH%.1f" stroke="#0f172a"/>`+"\n", float64(left)+s.least*scale, c.y+barHeight/2, float64(left)+s.most*scale)
		c.text(left+int(s.most*scale)+8, c.y+14, "start", "", fmt.Sprintf("%.*f", digits, s.median))
		c.y += barHeight
	}
}

// curve draws one value of the samples over time, from zero.
func curve(c *canvas, title string, samples []Sample, value func(Sample) float64) {
	c.title(title)
	most := 0.0
	for _, s := range samples {
		most = max(most, value(s))
	}
	if most == 0 {
		most = 1
	}
	left, width := float64(chartMargin+40), float64(chartWidth-2*chartMargin-40)
	bottom := float64(c.y + lineHeight)
	last := samples[len(samples)-1].Second
	fmt.Fprintf(c, `<path d="M%.0f %d V%.0f H%.0f" fill="none" stroke="#94a3b8"/>`+"\n<path d=\"", left, c.y, bottom, left+width)
	for i, s := range samples {
		word := "L"
		if i == 0 {
			word = "M"
		}
		fmt.Fprintf(c, "%s%.1f %.1f", word, left+width*s.Second/last, bottom-lineHeight*value(s)/most)
	}
	fmt.Fprintf(c, `" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", colour(ours))
	c.text(int(left)-6, c.y+10, "end", "", fmt.Sprintf("%.0f", most))
	c.text(int(left)-6, int(bottom), "end", "", "0")
	c.y = int(bottom) + 16
	c.text(int(left+width), c.y, "end", "", fmt.Sprintf("%.0f s", last))
}

// SVG draws what there is: bars with the range of the repetitions, and the
// sustained load over time.
func (t *Tables) SVG() string {
	c := &canvas{}
	t.bars(c, "Backlog, vendor answers at once: events a second (more is better)", caseBacklog, []string{ours, "bare", "river-best", "naive"}, perSecond, 0)
	t.bars(c, "Backlog, vendor takes 20 ms: events a second (more is better)", caseDelay, []string{ours, "bare", "river-500"}, perSecond, 0)
	t.bars(c, "CPU seconds of worker, Postgres and NATS for 1,000 events (less is better)", caseBacklog, []string{ours, "bare", "river-best", "naive"}, judgedCPU, 3)
	latency := []string{ours, "bare", "river-latency"}
	t.bars(c, "Light load, event to call, median in ms (less is better)", caseLight, latency, p50, 1)
	t.bars(c, "Light load, event to call, 99th percentile in ms (less is better)", caseLight, latency, p99, 1)
	for _, r := range t.runsOf(caseSustained, ours) {
		if len(r.Samples) < 2 {
			continue
		}
		about := fmt.Sprintf("%d events/s: ", r.Rate)
		curve(c, about+"the worker's memory in MiB", r.Samples, func(s Sample) float64 { return s.MiB })
		curve(c, about+"99th percentile from event to call in ms", r.Samples, func(s Sample) float64 { return s.P99MS })
		curve(c, about+"size of the outbox in KiB", r.Samples, func(s Sample) float64 { return float64(s.OutboxKiB) })
	}
	c.y += 14
	c.paragraph("build " + t.build + "; " + t.setting())
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+
		"\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n%s</svg>\n", chartWidth, c.y+chartMargin, c.String())
}

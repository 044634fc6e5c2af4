package report

import (
	"fmt"
	"math"

	"pointsledger/desk/wording"
)

// daysChart is the movement per day, or per month when there are too many days: two bars for
// each, from a line at 0. Widths are shares of the page's, in percent; heights are pixels: no
// text is scaled on a small screen.
type daysChart struct {
	Unit       string
	Height     int
	Left, Axis float64
	LabelY     int
	Lines      []gridLine
	Groups     []barGroup
}

type gridLine struct {
	Y, TextY float64
	Zero     bool
	Label    string
}

type barGroup struct {
	Title, Label string
	Middle       float64
	Bars         []bar
}

type bar struct {
	X, Y, Width, Height float64
	Class               string
}

// The measures of the chart of days.
const (
	daysHeight, daysTop, daysBottom = 240, 10, 212
	daysMost, daysLabels            = 62, 6
)

func (r *Report) daysSVG() daysChart {
	sums, unit := r.daySums()
	chart := daysChart{Unit: unit, Height: daysHeight, LabelY: daysHeight - 8}
	if len(sums) == 0 {
		return chart
	}
	low, high := int64(0), int64(0)
	for _, d := range sums {
		low, high = min(low, d.LedgerPoints, d.VendorPoints), max(high, d.LedgerPoints, d.VendorPoints)
	}
	step := niceStep(high - low)
	from, to := floorTo(low, step), -floorTo(-high, step)
	if from == to {
		to = from + step
	}
	y := func(points int64) float64 {
		return round(daysBottom - float64(points-from)/float64(to-from)*(daysBottom-daysTop))
	}
	labels := 0
	for points := from; points <= to; points += step {
		label := wording.Count(points)
		labels = max(labels, len(label))
		chart.Lines = append(chart.Lines, gridLine{y(points), y(points) + 4, points == 0, label})
	}
	// As wide as the longest label is on the smallest screen.
	chart.Axis = 1 + 1.9*float64(labels)
	chart.Left = chart.Axis + 1
	slot := (100 - chart.Left) / float64(len(sums))
	every := (len(sums) + daysLabels - 1) / daysLabels
	for i, d := range sums {
		day := r.words.NoDay
		if d.Day != nil {
			day = *d.Day
		}
		left := chart.Left + slot*float64(i)
		g := barGroup{Title: fmt.Sprintf("%s\n%s %s\n%s %s", day, r.words.Ledger, wording.Count(d.LedgerPoints), r.words.Vendor, wording.Count(d.VendorPoints)), Middle: round(left + slot/2)}
		if i%every == 0 {
			if g.Label = day; len(day) == len("2026-11-01") && len(sums) > 1 {
				g.Label = day[5:]
			}
		}
		width := min(slot*0.38, 6)
		for n, points := range []int64{d.LedgerPoints, d.VendorPoints} {
			class := []string{"ledger", "vendor"}[n]
			top, bottom := y(max(points, 0)), y(min(points, 0))
			g.Bars = append(g.Bars, bar{round(left + slot/2 + width*float64(n-1)), top, round(width * 0.94), round(bottom - top), class})
		}
		chart.Groups = append(chart.Groups, g)
	}
	return chart
}

// daySums are the days, or their months when they are too many to be seen.
func (r *Report) daySums() (sums []DaySum, unit string) {
	if len(r.Days) <= daysMost {
		return r.Days, r.words.PerDay
	}
	for _, d := range r.Days {
		month := d.Day
		if month != nil {
			text := (*month)[:len("2026-11")]
			month = &text
		}
		if last := len(sums) - 1; last >= 0 && sums[last].Day != nil && month != nil && *sums[last].Day == *month {
			sums[last].LedgerPoints += d.LedgerPoints
			sums[last].VendorPoints += d.VendorPoints
			continue
		}
		sums = append(sums, DaySum{month, d.LedgerPoints, d.VendorPoints})
	}
	return sums, r.words.PerMonth
}

// niceStep is between the lines of a grid that some four of cover a span: 1, 2 or 5 with
// zeros.
func niceStep(span int64) int64 {
	for step := int64(1); ; step *= 10 {
		for _, n := range []int64{step, 2 * step, 5 * step} {
			if span/n < 5 || n > math.MaxInt64/20 {
				return n
			}
		}
	}
}

// floorTo is the greatest multiple of a step that is not above n.
func floorTo(n, step int64) int64 {
	rest := n % step
	if rest < 0 {
		rest += step
	}
	return n - rest
}

func round(n float64) float64 { return math.Round(n*100) / 100 }

// kindsChart is how many items there are of each kind, explained or not.
type kindsChart struct {
	Height    int
	Explained string
	Bars      []kindBar
}

type kindBar struct {
	Label, Value, Title string
	TextY, Y            int
	// Open and Done are in percent.
	Open, Done float64
}

func (r *Report) kindsSVG() kindsChart {
	const row = 44
	chart := kindsChart{Height: row * len(r.Kinds), Explained: r.words.Explained}
	most := int64(1)
	for _, k := range r.Kinds {
		most = max(most, k.Items)
	}
	for i, k := range r.Kinds {
		share := func(n int64) float64 { return round(100 * float64(n) / float64(most)) }
		value := wording.Count(k.Items)
		if k.UnexplainedPoints > 0 {
			value += " · " + fmt.Sprintf(r.words.OfPoints, wording.Count(k.UnexplainedPoints))
		}
		chart.Bars = append(chart.Bars, kindBar{Label: r.words.Kinds[k.Kind], Value: value, Title: fmt.Sprintf("%s: %s / %s", r.words.Kinds[k.Kind], wording.Count(k.UnexplainedItems), wording.Count(k.Items)),
			TextY: i*row + 15, Y: i*row + 21, Open: share(k.UnexplainedItems), Done: share(k.Items - k.UnexplainedItems)})
	}
	return chart
}

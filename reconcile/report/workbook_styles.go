package report

import "github.com/xuri/excelize/v2"

// fontName shows Chinese and Latin on every Windows and in Office for Mac; elsewhere the
// viewer takes its own Chinese font for it.
const fontName = "Microsoft YaHei"

// The colours of a workbook.
const inkColour, mutedColour, lineColour, headColour, goodColour = "1F2933", "616E7C", "CBD2D9", "E4E7EB", "1B7F3B"

// The formats of numbers. What must be zero is green when it is, and red when not: by its
// value, so also after somebody has changed a row.
const (
	pointsFormat  = `#,##0;[Red]-#,##0;0`
	countFormat   = `#,##0`
	instantFormat = `yyyy\-mm\-dd hh:mm:ss`
	dayFormat     = `yyyy\-mm\-dd`
	checkFormat   = `[Red]#,##0;[Red]-#,##0;0` // the cell's own colour is green
)

// look is how cells of one weight are shown, by their form.
type look struct {
	byForm [share + 1]int
	day    int
}

func (l *look) of(f form) int { return l.byForm[f] }

// styles are those of a workbook. row is that of long tables, whose rows may have several
// lines; plain is that of blocks.
type styles struct {
	title, about, section, headLeft, headRight, heroLabel int
	row, plain, strong, check, hero, total                look
}

func (s *styles) make(file *excelize.File) error {
	ink := func(size float64, bold bool, colour string) *excelize.Font {
		return &excelize.Font{Family: fontName, Size: size, Bold: bold, Color: colour}
	}
	line := []excelize.Border{{Type: "bottom", Color: lineColour, Style: 1}}
	shade := excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{headColour}}
	var err error
	style := func(x excelize.Style) int {
		id, failed := file.NewStyle(&x)
		if err == nil {
			err = failed
		}
		return id
	}
	s.title = style(excelize.Style{Font: ink(16, true, inkColour)})
	s.about = style(excelize.Style{Font: ink(9, false, mutedColour), Alignment: &excelize.Alignment{Vertical: "top", WrapText: true}})
	s.section = style(excelize.Style{Font: ink(12, true, inkColour), Border: line})
	head := excelize.Style{Font: ink(10, true, inkColour), Fill: shade, Border: line, Alignment: &excelize.Alignment{Horizontal: "left", Indent: 1, Vertical: "center", WrapText: true}}
	s.headLeft = style(head)
	head.Alignment = &excelize.Alignment{Horizontal: "right", Vertical: "center", WrapText: true}
	s.headRight = style(head)
	s.heroLabel = style(excelize.Style{Font: ink(12, true, inkColour), Alignment: &excelize.Alignment{Horizontal: "left", Indent: 1, Vertical: "center"}})

	looks := func(font *excelize.Font, border []excelize.Border, vertical, numbers string) (l look) {
		of := func(format string, alignment excelize.Alignment) int {
			if alignment.Vertical = vertical; alignment.Horizontal == "left" {
				alignment.Indent = 1 // else it touches the number before it
			}
			x := excelize.Style{Font: font, Border: border, Alignment: &alignment}
			if format != "" {
				x.CustomNumFmt = &format
			}
			return style(x)
		}
		counts := countFormat
		if numbers == checkFormat {
			counts = numbers
		}
		l.byForm[text] = of("", excelize.Alignment{Horizontal: "left"})
		l.byForm[name] = of("@", excelize.Alignment{Horizontal: "left"})
		l.byForm[long] = of("", excelize.Alignment{Horizontal: "left", WrapText: true})
		l.byForm[points] = of(numbers, excelize.Alignment{Horizontal: "right"})
		l.byForm[count] = of(counts, excelize.Alignment{Horizontal: "right"})
		l.byForm[instant] = of(instantFormat, excelize.Alignment{Horizontal: "left"})
		l.byForm[share] = of("0.00%", excelize.Alignment{Horizontal: "right"})
		l.day = of(dayFormat, excelize.Alignment{Horizontal: "left"})
		return l
	}
	s.row = looks(ink(10, false, inkColour), nil, "top", pointsFormat)
	s.plain = looks(ink(10, false, inkColour), nil, "center", pointsFormat)
	s.strong = looks(ink(10, true, inkColour), []excelize.Border{{Type: "top", Color: lineColour, Style: 1}}, "center", pointsFormat)
	s.check = looks(ink(10, true, goodColour), nil, "center", checkFormat)
	s.hero = looks(ink(20, true, goodColour), nil, "center", checkFormat)
	s.total = looks(ink(10, true, inkColour), nil, "center", pointsFormat)
	return err
}

func (s *styles) of(w weight) *look {
	switch w {
	case strong:
		return &s.strong
	case check:
		return &s.check
	}
	return &s.plain
}

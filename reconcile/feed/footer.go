package feed

import (
	"regexp"
	"strings"
)

// sums are what the first cell of a row of sums says, alone or with a number behind.
var sums = regexp.MustCompile(`(?i)^(合计|总计|小计|共计|汇总|本页合计|总合计|合计金额|(grand |sub)?total|sum)[:：]?[ \d.,，+-]*(元|积分|分|条|笔)?$`)

// leftOut says of a row that is blank, or none of the list but a sum or a note below it;
// it is counted.
func (f *File) leftOut(cells []cell) bool {
	first, filled := "", 0
	for _, c := range cells {
		if text := cleaned(c.text); text != "" {
			if filled++; filled == 1 {
				first = text
			}
		}
	}
	switch {
	case first == "":
		f.out.Blank++
		return true
	case f.isFooter(first) && (!f.complete(cells) || f.standsInID(cells, first)),
		f.footed && filled == 1:
		f.footed = true
		f.out.Footers++
		return true
	}
	return false
}

func (f *File) isFooter(first string) bool {
	for _, begins := range f.m.footers {
		if strings.HasPrefix(first, begins) {
			return true
		}
	}
	return sums.MatchString(strings.ReplaceAll(first, "合 计", "合计"))
}

// complete: no cell is empty that must not be.
func (f *File) complete(cells []cell) bool {
	for _, field := range fields {
		if f.needs&field.bit() != 0 && !f.anyFilled(cells, field) {
			return false
		}
	}
	return true
}

func (f *File) anyFilled(cells []cell, field Field) bool {
	if field == Points && f.places[Points] == nil {
		return f.anyFilled(cells, PointsIn) || f.anyFilled(cells, PointsOut)
	}
	for _, place := range f.places[field] {
		if cleaned(at(cells, place).text) != "" {
			return true
		}
	}
	return false
}

// standsInID: nobody is called 合计, and no order.
func (f *File) standsInID(cells []cell, first string) bool {
	for _, field := range []Field{Member, Order} {
		for _, place := range f.places[field] {
			if cleaned(at(cells, place).text) == first {
				return true
			}
		}
	}
	return false
}

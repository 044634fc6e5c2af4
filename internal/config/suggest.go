package config

import (
	"slices"
	"strings"
)

// suggest returns `; did you mean "x"?` for the nearest known name, or nothing
// when none is near.
func suggest(name string, known []string) string {
	if best := nearest(name, known); best != "" {
		return `; did you mean "` + best + `"?`
	}
	return ""
}

// nearest finds the known name that differs from name by at most two letters,
// underscores and case not counted. Ties go to the first in order.
func nearest(name string, known []string) string {
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	sorted := slices.Sorted(slices.Values(known))
	best, bestDistance := "", 3
	for _, candidate := range sorted {
		if d := distance(plain(name), plain(candidate)); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}

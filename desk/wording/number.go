package wording

import (
	"fmt"
	"strings"
)

// Count writes a number with thousands separators.
func Count[T ~int | ~int64](n T) string {
	digits := fmt.Sprintf("%d", n)
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Plural is "1 operation", "2 operations".
func Plural[T ~int | ~int64](n T, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}

// Signed writes a difference with its sign.
func Signed[T ~int | ~int64](n T) string {
	if n > 0 {
		return "+" + Count(n)
	}
	return Count(n)
}

package rules

import (
	"fmt"
	"maps"
	"slices"
)

// UnmarshalYAML reads the short form, a whole number, or the mapping.
func (p *PointsFile) UnmarshalYAML(unmarshal func(any) error) error {
	var value any
	if err := unmarshal(&value); err != nil {
		return err // The YAML library's error says where.
	}
	if number, ok := wholeNumber(value); ok {
		*p = PointsFile{Value: &number}
		return nil
	}
	if _, ok := value.(map[string]any); !ok {
		return fmt.Errorf("points: want a whole number or a mapping, got %v", value)
	}
	type mapping PointsFile
	return unmarshal((*mapping)(p))
}

// UnmarshalYAML reads the short form, the field's name, or the mapping.
func (o *OverrideFile) UnmarshalYAML(unmarshal func(any) error) error {
	var value any
	if err := unmarshal(&value); err != nil {
		return err
	}
	if name, ok := value.(string); ok {
		*o = OverrideFile{Field: name}
		return nil
	}
	if _, ok := value.(map[string]any); !ok {
		return fmt.Errorf("override: want the name of a field or a mapping, got %v", value)
	}
	type mapping OverrideFile
	return unmarshal((*mapping)(o))
}

// UnmarshalYAML reads the short form, one text, or the mapping.
func (r *ReasonsFile) UnmarshalYAML(unmarshal func(any) error) error {
	var value any
	if err := unmarshal(&value); err != nil {
		return err
	}
	if text, ok := value.(string); ok {
		*r = ReasonsFile{All: text}
		return nil
	}
	if _, ok := value.(map[string]any); !ok {
		return fmt.Errorf("reason: want a text or a mapping, got %v", value)
	}
	type mapping ReasonsFile
	return unmarshal((*mapping)(r))
}

// UnmarshalYAML refuses fractions: YAML libraries cut them to integers without
// a word, and a rate of 1.5 points would become 1.
func (r *RuleFile) UnmarshalYAML(unmarshal func(any) error) error {
	if err := refuseFractions(unmarshal); err != nil {
		return err
	}
	type mapping RuleFile
	return unmarshal((*mapping)(r))
}

// UnmarshalYAML refuses fractions, as for RuleFile.
func (l *LimitsFile) UnmarshalYAML(unmarshal func(any) error) error {
	if err := refuseFractions(unmarshal); err != nil {
		return err
	}
	type mapping LimitsFile
	return unmarshal((*mapping)(l))
}

func refuseFractions(unmarshal func(any) error) error {
	var value any
	if err := unmarshal(&value); err != nil {
		return err
	}
	if place, number, found := fraction(value); found {
		return fmt.Errorf("%s: want a whole number, got %v", place[1:], number)
	}
	return nil
}

// fraction finds the first number that is not an integer, and its place.
func fraction(value any) (place string, number float64, found bool) {
	switch v := value.(type) {
	case float64:
		return "", v, true
	case []any:
		for i, item := range v {
			if place, number, found := fraction(item); found {
				return fmt.Sprintf("[%d]%s", i, place), number, true
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if place, number, found := fraction(v[name]); found {
				return "." + name + place, number, true
			}
		}
	}
	return "", 0, false
}

// wholeNumber is the integer in a decoded YAML scalar. YAML libraries differ
// in the type they give it.
func wholeNumber(value any) (int64, bool) {
	switch n := value.(type) {
	case int:
		return int64(n), true
	case int64:
		return n, true
	case uint64:
		return int64(n), n <= 1<<63-1
	}
	return 0, false
}

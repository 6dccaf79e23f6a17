package scenario

import (
	"slices"
	"strings"
)

// Assumption is a key of the model with the value that a scenario gave it and
// the source of its default.
type Assumption struct {
	Key
	// Value is what the policy arm has, as a scenario would write it; the
	// values of routers that differ are joined by "/".
	Value string
	// Written tells whether the value differs from the default.
	Written bool
}

// Assumptions returns every key whose default has a source, and with it every
// assumption, in the table's order: what a report prints below its figures.
func (s *Scenario) Assumptions() []Assumption {
	var as []Assumption
	for i := range table {
		k := table[i].Key
		if k.Source == "" {
			continue
		}
		x := spell(s.root, strings.Split(strings.ReplaceAll(k.Path, "[]", ""), "."))
		if x == "" {
			continue // no entry of its list, or the other spelling of a choice
		}
		as = append(as, Assumption{Key: k, Value: x, Written: x != k.Default})
	}
	return as
}

// spell writes what stands at a path, "" for nothing.
func spell(v *value, names []string) string {
	switch {
	case v == nil:
		return ""
	case v.shape == listShape && v.spec.isMap():
		var all []string
		for _, item := range v.items {
			if s := v.spec.child(names[0]); s != nil && !item.takes(s) {
				continue
			}
			if text := spell(item, names); text != "" && !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
		return strings.Join(all, "/")
	case len(names) > 0:
		return spell(v.at(names[0]), names[1:])
	case v.shape == scalarShape:
		return quoted(v)
	case v.shape == listShape:
		return formatList(v.items)
	}
	return ""
}

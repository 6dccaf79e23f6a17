package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"multihome.i2p/sim"
)

// shape of a value.
type shape uint8

const (
	scalarShape shape = iota
	mapShape
	listShape
	pairShape // a sweep's grid or a figure's settings
)

// value is a checked value of a key. Values are never changed after they are
// made: with and merge return new ones that share what did not change, so that
// the cells of a sweep cost what they differ in.
type value struct {
	spec  *spec
	pos   position
	shape shape
	// scalar is an int64, a float64, a bool, a sim.Time, or a string: text or
	// one of the key's words.
	scalar any
	fields map[string]*value
	items  []*value
	pairs  []pair
	// cut marks a list whose entries a shorter duration took away.
	cut bool
	// maker makes the policy whose text this is. ofFile marks the name that a policy
	// has from its file.
	maker  sim.PolicyMaker
	ofFile bool
	// policyName is the name that goes with the text of a policy.
	policyName *value
}

// pair is a dotted path with its values: one in settings, at least one in a
// grid.
type pair struct {
	path   string
	pos    position
	values []*value
}

// text returns a scalar's word or text, "" for anything else.
func (v *value) text() string {
	s, _ := v.scalar.(string)
	return s
}

// whole returns a scalar's whole number, or word where it is a word.
func (v *value) whole(word int64) int64 {
	if n, ok := v.scalar.(int64); ok {
		return n
	}
	return word
}

// span returns a scalar's duration, or word where it is a word.
func (v *value) span(word sim.Time) sim.Time {
	if d, ok := v.scalar.(sim.Time); ok {
		return d
	}
	return word
}

// at returns the value at a path of names below v, nil where there is none.
func (v *value) at(names ...string) *value {
	for _, name := range names {
		if v == nil {
			return nil
		}
		v = v.fields[name]
	}
	return v
}

// kind returns the key that says of which kind the entry v of a list is, nil where
// there are no kinds, and what it says.
func (v *value) kind() (*spec, string) {
	for _, s := range v.spec.children {
		if s.isKind {
			if x := v.fields[s.name]; x != nil {
				return s, x.text()
			}
			return s, s.Default
		}
	}
	return nil, ""
}

// takes tells whether key s counts for the map v: everywhere, but for keys that
// count for entries of some kinds only.
func (v *value) takes(s *spec) bool {
	if s.only == nil {
		return true
	}
	_, kind := v.kind()
	return slices.Contains(s.only, kind)
}

// position returns where v was written; a nil v was written nowhere.
func (v *value) position() position {
	if v == nil {
		return position{}
	}
	return v.pos
}

// replace returns v with one field replaced.
func (v *value) replace(name string, field *value) *value {
	c := *v
	c.fields = maps.Clone(v.fields)
	if c.fields == nil {
		c.fields = map[string]*value{}
	}
	c.fields[name] = field
	return &c
}

// without returns v without a field.
func (v *value) without(name string) *value {
	c := *v
	c.fields = maps.Clone(v.fields)
	delete(c.fields, name)
	return &c
}

// with returns v with the scalar x at the path of names. A path through a list
// sets every entry that it counts for.
func (v *value) with(names []string, x *value) (*value, *Error) {
	if v.shape == listShape {
		if len(v.items) == 0 && v.cut {
			return v, nil
		}
		if len(v.items) == 0 {
			return nil, x.pos.fault(x.spec.dotted(), "write an entry first, or take it out here",
				"%s has no entry that %s could be set in", v.spec.dotted(), names[0])
		}
		if v.spec.Type == MapOrList && names[0] == "count" {
			return nil, x.pos.fault(x.spec.dotted(), "write the routers as a map with count",
				"routers is a list, which counts itself: count cannot be set")
		}
		c := *v
		c.items = slices.Clone(v.items)
		set := false
		for i, item := range v.items {
			if !item.takes(x.spec) {
				continue
			}
			next, err := item.with(names, x)
			if err != nil {
				return nil, err
			}
			c.items[i] = next
			set = true
		}
		if !set {
			kind, _ := v.items[0].kind()
			return nil, x.pos.fault(x.spec.dotted(), fmt.Sprintf("write an entry with %s: %s, or take it out here", kind.name, strings.Join(x.spec.only, " or ")),
				"%s has no entry that %s counts for", v.spec.dotted(), names[0])
		}
		return &c, nil
	}
	name := names[0]
	s := v.spec.child(name)
	if len(names) == 1 {
		if s.short != "" { // policy: per-router
			inner := v.at(name)
			if inner == nil {
				inner = &value{spec: s, pos: x.pos, shape: mapShape}
			}
			if inner.isPolicy() {
				inner = inner.builtIn()
			}
			return v.replace(name, inner.replace(s.short, x)), nil
		}
		switch {
		case v.isPolicy() && name == "name":
			v = v.builtIn()
		case x.policyName != nil:
			v = v.replace("name", x.policyName)
		}
		return v.replace(name, x), nil
	}
	inner := v.at(name)
	if inner == nil || s.isChoice() {
		inner = &value{spec: s, pos: x.pos, shape: mapShape}
	}
	inner, err := inner.with(names[1:], x)
	if err != nil {
		return nil, err
	}
	return v.replace(name, inner), nil
}

// merge lays over on base: maps key by key, anything else as a whole.
func merge(base, over *value) *value {
	switch {
	case over == nil:
		return base
	case base == nil || base.spec != over.spec || base.spec.isChoice():
		return over
	case base.spec.Type == MapOrList:
		return mergeRouters(base, over)
	case base.shape != mapShape || over.shape != mapShape:
		return over
	}
	return mergeFields(base, over)
}

func mergeFields(base, over *value) *value {
	if over.isPolicy() && over.at("name") != nil && over.at("source") == nil {
		base = base.builtIn()
	}
	c := *over
	c.fields = maps.Clone(base.fields)
	for name, field := range over.fields {
		c.fields[name] = merge(base.fields[name], field)
	}
	return &c
}

// mergeRouters lays the reference's routers over the destination's. A list and
// a map with a count both start from the laws of the destination's first
// router; a map without a count changes every router of the destination.
func mergeRouters(base, over *value) *value {
	first := base
	if base.shape == listShape {
		first = base.items[0]
	}
	switch {
	case over.shape == listShape:
		c := *over
		c.items = slices.Clone(over.items)
		for i, item := range over.items {
			c.items[i] = mergeFields(first.without("count"), item)
		}
		return &c
	case base.shape == listShape && over.at("count") == nil:
		c := *base
		c.items = slices.Clone(base.items)
		for i, item := range base.items {
			c.items[i] = mergeFields(item, over)
		}
		return &c
	}
	return mergeFields(first, over)
}

// equal compares two values, wherever they were written.
func equal(a, b *value) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.shape == b.shape && a.scalar == b.scalar &&
		maps.EqualFunc(a.fields, b.fields, equal) &&
		slices.EqualFunc(a.items, b.items, equal) &&
		slices.EqualFunc(a.pairs, b.pairs, func(p, q pair) bool {
			return p.path == q.path && slices.EqualFunc(p.values, q.values, equal)
		})
}

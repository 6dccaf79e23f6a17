package scenario

import (
	"strings"
	"sync"
)

// Type is the type of a key's value.
type Type string

// Types.
const (
	Int          Type = "int"       // a whole number, or one of the key's words
	Float        Type = "float"     // a finite number, or one of the key's words
	Bool         Type = "bool"      // true or false
	Duration     Type = "duration"  // 90s, 10m, 24h, 7d, 1h30m, or one of the key's words
	Enum         Type = "enum"      // one of the key's words
	String       Type = "string"    // text
	NameList     Type = "names"     // a list of names, or one of the key's words
	DurationList Type = "durations" // a list of durations, or one of the key's words
	FloatList    Type = "numbers"   // a list of finite numbers, or one of the key's words
	Scalar       Type = "scalar"    // whatever the key that is set or expected takes
	Map          Type = "map"       // keys of its own
	List         Type = "list"      // a list of maps
	MapOrList    Type = "map or list"
	Grid         Type = "grid"     // dotted paths to lists of values
	Settings     Type = "settings" // dotted paths to values
)

// Key is what is known of one key of a scenario.
type Key struct {
	// Path is dotted; "[]" marks the entries of a list.
	Path string
	Type Type
	// Default as it would be written; "" where the key must be written.
	Default string
	// Unit of a number, "" where it has none.
	Unit string
	// Min and Max are inclusive bounds as they would be written, "" for none.
	// In a list they bound each entry.
	Min, Max string
	// Words are the values of an Enum, and the words that any other type takes
	// beside its values.
	Words []string
	// Doc says what the key means.
	Doc string
	// Source says where the default comes from: a measurement, a constant of a
	// router's source, or "assumption", with the range that it should be swept
	// over. "" for keys that are the experimenter's own choice.
	Source string
}

// Assumed tells whether the default has no source in router code or
// measurement.
func (k Key) Assumed() bool { return strings.HasPrefix(k.Source, "assumption") }

// Keys returns every key in the order of the documentation.
func Keys() []Key {
	keys := make([]Key, len(table))
	for i := range table {
		keys[i] = table[i].Key
		keys[i].Words = append([]string(nil), table[i].Words...)
	}
	return keys
}

// declaration is a key with what the package itself needs of it.
type declaration struct {
	Key
	// field returns what the key fills: a pointer, or a func(*value) where the
	// world holds the value in another shape. nil: nothing in the world.
	field func(*target) any
	// short names the key that a bare word in place of the map stands for.
	short string
	// fixed keys can neither be swept nor set for a figure; see also settable.
	fixed bool
	// settable keys are fixed except in a figure's settings.
	settable bool
	// required keys have no default.
	required bool
	// only names the kinds of entry that the key counts for; nil: all. isKind
	// marks the key that says of which kind an entry is.
	only   []string
	isKind bool
	// fold lets text run over several lines; verbatim text is kept as it is.
	fold, verbatim bool
}

// spec is a declaration in its place among the others.
type spec struct {
	*declaration
	name     string
	parent   *spec
	children []*spec
}

func (s *spec) child(name string) *spec {
	for _, c := range s.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// dotted is the path without list marks: the spelling of sweeps and results.
func (s *spec) dotted() string { return strings.ReplaceAll(s.Path, "[]", "") }

// isMap tells whether the key takes keys of its own and nothing but them.
func (s *spec) isMap() bool { return s.Type == Map || s.Type == List || s.Type == MapOrList }

// isChoice tells whether the key takes either a value or a map: one value in
// two spellings, replaced as a whole.
func (s *spec) isChoice() bool { return !s.isMap() && len(s.children) > 0 }

// shared tells whether a key of a list's entry is a law over all entries:
// its path carries no list mark although it may stand in the entries.
func (s *spec) shared() bool {
	return s.parent != nil && s.parent.Type == MapOrList && !strings.Contains(s.Path, "[]")
}

// tree is the table as a tree: built once, read ever after.
var tree = sync.OnceValue(func() *spec {
	root := &spec{declaration: &declaration{Key: Key{Type: Map}}}
	byPath := map[string]*spec{"": root}
	for i := range table {
		d := &table[i]
		s := &spec{declaration: d}
		path := s.dotted()
		cut := strings.LastIndexByte(path, '.')
		s.name = path[cut+1:]
		s.parent = byPath[path[:max(cut, 0)]]
		s.parent.children = append(s.parent.children, s)
		byPath[path] = s
	}
	// The reference arm takes the destination's keys.
	byPath["reference"].children = byPath["destination"].children
	return root
})

// find returns the declaration at a dotted path.
func find(path string) *spec {
	s := tree()
	for name := range strings.SplitSeq(path, ".") {
		if s = s.child(name); s == nil {
			return nil
		}
	}
	return s
}

// sweepable returns the dotted paths that a sweep may vary and, with settings,
// those that only a figure may set.
func sweepable(settings bool) []string {
	var paths []string
	var walk func(prefix string, s *spec)
	walk = func(prefix string, s *spec) {
		for _, c := range s.children {
			path := prefix + c.name
			if varied(c, settings) {
				paths = append(paths, path)
			}
			walk(path+".", c)
		}
	}
	walk("", tree())
	return paths
}

// varied tells whether the key itself, not the keys below it, can be varied.
func varied(s *spec, settings bool) bool {
	for p := s; p != nil; p = p.parent {
		if p.fixed && (!p.settable || !settings) {
			return false
		}
	}
	switch s.Type {
	case Int, Float, Bool, Duration, Enum, String:
		return true
	}
	return s.short != ""
}

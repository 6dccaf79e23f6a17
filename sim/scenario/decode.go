package scenario

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxItems bounds every list: far above any hand-written one.
const maxItems = 1000

// decode checks a node against key s, which stands at path, and returns its
// value.
func decode(n *yaml.Node, s *spec, path string) (*value, *Error) {
	switch {
	case s.short != "" && n.Kind == yaml.ScalarNode:
		inner, err := decodeScalar(n, s.child(s.short), path)
		if err != nil {
			return nil, err
		}
		return &value{spec: s, pos: at(n), shape: mapShape, fields: map[string]*value{s.short: inner}}, nil
	case (s.Type == NameList || s.Type == DurationList || s.Type == FloatList) && n.Kind == yaml.SequenceNode:
		return decodeScalars(n, s, path)
	case s.isChoice() && n.Kind == yaml.MappingNode:
		return decodeMap(n, s, path)
	case s.Type == Map || s.Type == MapOrList && n.Kind == yaml.MappingNode:
		return decodeMap(n, s, path)
	case s.Type == List, s.Type == MapOrList:
		return decodeList(n, s, path)
	case s.Type == Grid, s.Type == Settings:
		return decodePairs(n, s, path)
	}
	return decodeScalar(n, s, path)
}

func decodeMap(n *yaml.Node, s *spec, path string) (*value, *Error) {
	if n.Kind != yaml.MappingNode {
		what := path
		if what == "" {
			what = "a scenario"
		}
		return nil, at(n).fault(path, "", "%s wants %s, not %s", what, wants(s), describe(n))
	}
	v := &value{spec: s, pos: at(n), shape: mapShape, fields: map[string]*value{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, node := n.Content[i], n.Content[i+1]
		if err := checkKey(key, path, func(name string) bool { return v.fields[name] != nil }); err != nil {
			return nil, err
		}
		c := s.child(key.Value)
		if c == nil {
			return nil, unknownKey(key, s, path)
		}
		field, err := decode(node, c, join(path, c.name))
		if err != nil {
			return nil, err
		}
		// What is wrong with a key as a whole is shown at the key.
		if field.shape != scalarShape {
			field.pos = at(key)
		}
		if s.isChoice() {
			field.pos = at(key)
		}
		v.fields[c.name] = field
	}
	for _, c := range s.children {
		if c.required && v.fields[c.name] == nil {
			mend := fmt.Sprintf("add %s: …", c.name)
			if path == "" {
				return nil, at(n).fault(join(path, c.name), mend, "the scenario has no %s", c.name)
			}
			return nil, at(n).fault(join(path, c.name), mend, "%s has no %s", path, c.name)
		}
	}
	return v, nil
}

// checkKey checks a key of a map before its value.
func checkKey(key *yaml.Node, path string, seen func(string) bool) *Error {
	where := path
	if where == "" {
		where = "the scenario"
	}
	if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!null" {
		return at(key).fault(path, "", "%s has %s for a key", where, describe(key))
	}
	if seen(key.Value) {
		return at(key).fault(join(path, key.Value), "write it once", "%s names %s twice", where, key.Value)
	}
	return nil
}

// unknownKey tells what the writer probably meant: a key spelt like it here,
// or one of that name elsewhere.
func unknownKey(key *yaml.Node, s *spec, path string) *Error {
	var names []string
	for _, c := range s.children {
		names = append(names, c.name)
	}
	mend := didYouMean(key.Value, names)
	if mend == "" {
		for i := range table {
			other := strings.ReplaceAll(table[i].Path, "[]", "")
			if strings.HasSuffix("."+other, "."+key.Value) {
				mend = "write it as " + other
				break
			}
		}
	}
	if mend == "" {
		mend = "the keys here are " + strings.Join(names, ", ")
		if len(names) > 12 {
			mend = "`mhsim schema` lists all keys"
		}
	}
	shown := key.Value
	if r := []rune(shown); len(r) > 40 {
		shown = string(r[:40]) + "…"
	}
	where := "a scenario"
	if path != "" {
		where = path
	}
	return at(key).fault(join(path, key.Value), mend, "unknown key %q in %s", shown, where)
}

func decodeList(n *yaml.Node, s *spec, path string) (*value, *Error) {
	if n.Kind != yaml.SequenceNode {
		return nil, at(n).fault(path, "", "%s wants %s, not %s", path, wants(s), describe(n))
	}
	if len(n.Content) > maxItems {
		return nil, at(n).fault(path, fmt.Sprintf("at most %d are taken", maxItems), "%s has %d entries", path, len(n.Content))
	}
	v := &value{spec: s, pos: at(n), shape: listShape}
	for _, c := range n.Content {
		item, err := decodeMap(c, s, path)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, item)
	}
	if s.Type == MapOrList {
		return unify(v, path)
	}
	return v, nil
}

// unify makes the entries of a list of routers agree on the laws that join
// them all.
func unify(v *value, path string) (*value, *Error) {
	count := v.spec.child("count")
	if len(v.items) == 0 {
		return nil, v.pos.fault(path, "list one entry a router", "%s names no router", path)
	}
	if _, hi := limits(count); hi != nil && int64(len(v.items)) > hi.(int64) {
		return nil, v.pos.fault(path, "", "%s lists %d routers, more than %s", path, len(v.items), count.Max)
	}
	for _, s := range v.spec.children {
		if !s.shared() {
			continue
		}
		var law *value
		for _, item := range v.items {
			x := item.fields[s.name]
			switch {
			case x == nil:
			case s == count:
				return nil, x.pos.fault(join(path, s.name), "list one entry for each router", "a list of routers counts itself and takes no count")
			case law == nil:
				law = x
			case law.scalar != x.scalar:
				return nil, x.pos.fault(join(path, s.name), "write one value",
					"%s is one law over all routers: %s here, %s in line %d", join(path, s.name),
					formatScalar(s, x.scalar), formatScalar(s, law.scalar), law.pos.line)
			}
		}
		if law == nil {
			continue
		}
		for _, item := range v.items {
			item.fields[s.name] = law
		}
	}
	return v, nil
}

// decodeScalars reads a list of names or durations.
func decodeScalars(n *yaml.Node, s *spec, path string) (*value, *Error) {
	if len(n.Content) == 0 || len(n.Content) > maxItems {
		return nil, at(n).fault(path, fmt.Sprintf("list 1 to %d, or write %s", maxItems, either(s.Words)), "%s has %d entries", path, len(n.Content))
	}
	v := &value{spec: s, pos: at(n), shape: listShape}
	for _, c := range n.Content {
		item, err := decodeScalar(c, s, path)
		if err != nil {
			return nil, err
		}
		if slices.Contains(s.Words, item.text()) {
			return nil, item.pos.fault(path, fmt.Sprintf("write %s: %s", s.name, item.text()), "%s stands alone, not in a list", item.text())
		}
		twice := func(other *value) bool { return other.scalar == item.scalar }
		if s.Type != FloatList && slices.ContainsFunc(v.items, twice) {
			return nil, item.pos.fault(path, "write it once", "%s lists %s twice", path, formatScalar(nil, item.scalar))
		}
		v.items = append(v.items, item)
	}
	return v, nil
}

// decodePairs reads a sweep's grid or a figure's settings: dotted paths to
// values of the keys that they name.
func decodePairs(n *yaml.Node, s *spec, path string) (*value, *Error) {
	if n.Kind != yaml.MappingNode {
		return nil, at(n).fault(path, "", "%s wants %s, not %s", path, wants(s), describe(n))
	}
	v := &value{spec: s, pos: at(n), shape: pairShape}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, node := n.Content[i], n.Content[i+1]
		seen := func(name string) bool {
			return slices.ContainsFunc(v.pairs, func(p pair) bool { return p.path == name })
		}
		if err := checkKey(key, path, seen); err != nil {
			return nil, err
		}
		target, err := variable(key.Value, s.Type == Settings, path, at(key))
		if err != nil {
			return nil, err
		}
		p := pair{path: key.Value, pos: at(key)}
		nodes := []*yaml.Node{node}
		if s.Type == Grid {
			if node.Kind != yaml.SequenceNode || len(node.Content) == 0 {
				return nil, at(node).fault(path, "write ["+describeExample(target)+", …]", "%s wants a list of values for %s, not %s", path, p.path, emptyOr(node))
			}
			nodes = node.Content
		}
		for _, c := range nodes {
			x, err := decodeScalar(c, target, p.path)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(p.values, func(o *value) bool { return o.scalar == x.scalar }) {
				return nil, x.pos.fault(path, "write it once", "%s lists %s twice for %s", path, formatScalar(nil, x.scalar), p.path)
			}
			p.values = append(p.values, x)
		}
		v.pairs = append(v.pairs, p)
	}
	return v, nil
}

// variable returns the key that a dotted path varies; a path to a map with a
// short form varies the key that the short form names.
func variable(path string, settings bool, where string, pos position) (*spec, *Error) {
	s := find(path)
	if s == nil || strings.Contains(path, "..") {
		return nil, pos.fault(where, rightPath(path, sweepable(settings)), "%s names the unknown key %q", where, path)
	}
	if !varied(s, settings) {
		mend := "name one of the keys below it"
		if len(s.children) == 0 {
			mend = "write it as a key of its own"
		}
		return nil, pos.fault(where, mend, "%s cannot vary %s", where, path)
	}
	if s.short != "" {
		s = s.child(s.short)
	}
	return s, nil
}

// rightPath tells which path was probably meant: one that ends in the same
// key, or one that is spelt like it.
func rightPath(path string, candidates []string) string {
	last := path[strings.LastIndexByte(path, '.')+1:]
	var same []string
	for _, c := range candidates {
		if strings.HasSuffix(c, "."+last) {
			same = append(same, c)
		}
	}
	if len(same) > 0 {
		nearest := slices.MinFunc(same, func(a, b string) int {
			return editDistance(path, a, maxText) - editDistance(path, b, maxText)
		})
		return fmt.Sprintf("did you mean %s?", nearest)
	}
	if mend := didYouMean(path, candidates); mend != "" {
		return mend
	}
	return "write a dotted path such as destination.routers.count"
}

func describeExample(s *spec) string {
	if s.Default != "" {
		return s.Default
	}
	if s.Min != "" {
		return s.Min
	}
	return "value"
}

func emptyOr(n *yaml.Node) string {
	if n.Kind == yaml.SequenceNode {
		return "an empty list"
	}
	return describe(n)
}

// join appends a name to a dotted path.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
